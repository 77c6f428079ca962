/** Ends telemetry: sends what is still held back. */
export type StopTelemetry = () => Promise<void>;

const FLUSH_MS = 3_000;

/**
 * Starts OpenTelemetry traces over OTLP/HTTP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; costs nothing otherwise.
 * Has to run before the modules that it instruments (http, pg) are loaded, so it reads its one variable itself. The
 * modules that matter are CommonJS and reach `http` and `pg` by `require`, which the instrumentation hooks; what our
 * own ES modules import are the same objects, patched in place.
 */
export async function startTelemetry(serviceName: string): Promise<StopTelemetry> {
  if (!process.env['OTEL_EXPORTER_OTLP_ENDPOINT']) return () => Promise.resolve();
  const [{ NodeSDK }, { OTLPTraceExporter }, { HttpInstrumentation }, { PgInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/instrumentation-pg'),
  ]);
  const sdk = new NodeSDK({
    serviceName,
    traceExporter: new OTLPTraceExporter(),
    instrumentations: [new HttpInstrumentation(), new PgInstrumentation()],
  });
  sdk.start();
  // A collector that is away must not hold up the end of the process.
  return () =>
    Promise.race([
      sdk.shutdown().catch(() => undefined),
      new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref()),
    ]);
}
