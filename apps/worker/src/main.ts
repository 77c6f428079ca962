import { runProcess, startTelemetry } from '#platform';

await runProcess('worker', async () => {
  // Telemetry patches modules as they are required, so the worker is loaded after it.
  const stopTelemetry = await startTelemetry('commonweights-worker');
  const { startWorker } = await import('./worker.js');
  const worker = await startWorker();
  return {
    close: async () => {
      await worker.close();
      await stopTelemetry();
    },
  };
});
