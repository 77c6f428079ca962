import { runProcess, startTelemetry } from '#platform';

// Telemetry patches modules as they are loaded, so the server is loaded after it.
await runProcess('api', async () => {
  await startTelemetry('commonweights-api');
  const { startApi } = await import('./server.js');
  return startApi();
});
