import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type Server, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** A process of the product, run from dist as the supervisor runs it. */
export class Product {
  readonly home = mkdtempSync(join(tmpdir(), 'commonweights-process-'));
  private output = '';
  private errors = '';

  private constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString('utf8')));
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString('utf8')));
  }

  static launch(name: 'api' | 'worker', env: (home: string) => Record<string, string>): Product {
    const script = join(ROOT, 'dist/apps', name, 'src/main.js');
    if (!existsSync(script)) throw new Error(`${script} is not there; run "npm run build"`);
    const home = mkdtempSync(join(tmpdir(), 'commonweights-process-'));
    const child = spawn(join(ROOT, 'node_modules/.bin/node'), [script], {
      env: { PATH: process.env['PATH'] ?? '', COMMONWEIGHTS_HOME: home, ...env(home) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const product = new Product(child);
    rmSync(product.home, { recursive: true, force: true });
    return Object.assign(product, { home });
  }

  get stderr(): string {
    return this.errors;
  }

  get stdout(): string {
    return this.output;
  }

  /** Resolves when the process says that it serves; fails with its own words when it ends instead. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.child.once('message', () => resolve());
      this.child.once('exit', (code) => reject(new Error(`ended with ${code}: ${this.errors}`)));
    });
  }

  exit(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve(this.child.exitCode);
    return new Promise((resolve) => {
      this.child.once('close', (code) => resolve(code));
      // A child whose channel was cut never "closes"; its last words get a moment to arrive.
      this.child.once('exit', (code) => setTimeout(() => resolve(code), 200));
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const ended = this.exit();
    this.child.kill(signal);
    const code = await ended;
    rmSync(this.home, { recursive: true, force: true });
    return code;
  }
}

/** A TCP relay in front of a server, which can be cut and mended. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private isFrozen = false;

  private constructor(
    private readonly server: import('node:net').Server,
    readonly port: number,
  ) {}

  static async to(port: number, host = '127.0.0.1'): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const wire = new Wire(server, (server.address() as AddressInfo).port);
    server.on('connection', (socket) => {
      if (wire.isCut) return socket.destroy();
      if (wire.isFrozen) return void wire.sockets.add(socket);
      const far = connect(port, host);
      for (const [a, b] of [
        [socket, far],
        [far, socket],
      ] as const) {
        wire.sockets.add(a);
        a.pipe(b);
        a.on('error', () => b.destroy());
        a.on('close', () => {
          wire.sockets.delete(a);
          b.destroy();
        });
      }
    });
    return wire;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** Nothing passes any more and nobody is told: as a host that vanished. Ends with a cut. */
  freeze(): void {
    this.isFrozen = true;
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  mend(): void {
    this.isCut = false;
    this.isFrozen = false;
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly attributes: { key: string; value: Record<string, unknown> }[];
}

/** An OpenTelemetry collector that keeps what it is sent (OTLP over HTTP, JSON or protobuf). */
export class Collector {
  readonly requests: { path: string; type: string; body: Buffer }[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Collector> {
    const server = createHttpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const collector = new Collector(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const type = req.headers['content-type'] ?? '';
        collector.requests.push({ path: req.url ?? '', type, body: Buffer.concat(chunks) });
        res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    return collector;
  }

  get spans(): Span[] {
    return this.requests
      .filter(({ path, type }) => path === '/v1/traces' && type.includes('json'))
      .flatMap(({ body }) => JSON.parse(body.toString('utf8')).resourceSpans)
      .flatMap((resource: { scopeSpans: { spans: Span[] }[] }) => resource.scopeSpans)
      .flatMap((scope) => scope.spans);
  }

  /** The service names that spans were sent under. */
  get services(): unknown[] {
    return this.requests
      .filter(({ type }) => type.includes('json'))
      .flatMap(({ body }) => JSON.parse(body.toString('utf8')).resourceSpans)
      .map(
        (r: { resource: Span }) => r.resource.attributes.find((a) => a.key === 'service.name')?.value['stringValue'],
      );
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
