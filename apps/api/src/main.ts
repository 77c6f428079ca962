import { runProcess, startTelemetry } from '#platform';

await runProcess('api', async () => {
  // Telemetry patches modules as they are required, so the server is loaded after it.
  const stopTelemetry = await startTelemetry('commonweights-api');
  const { startApi } = await import('./server.js');
  const api = await startApi();
  return {
    close: async () => {
      await api.close();
      await stopTelemetry();
    },
  };
});
