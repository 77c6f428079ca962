import { runProcess, startTelemetry } from '#platform';

// Telemetry patches modules as they are loaded, so the worker is loaded after it.
await runProcess('worker', async () => {
  await startTelemetry('commonweights-worker');
  const { startWorker } = await import('./worker.js');
  return startWorker();
});
