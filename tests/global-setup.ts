import { connect } from 'node:net';

/** Integration tests need a PostgreSQL; `npm test` brings one. Says plainly what to do when there is none. */
export default async function setup(): Promise<void> {
  const url = new URL(process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres');
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(url.port || 5432), url.hostname);
    socket.once('connect', () => {
      socket.end();
      resolve();
    });
    socket.once('error', () => {
      reject(new Error(`No PostgreSQL at ${url.host}. Run "npm test", which starts one, or set TEST_DATABASE_URL.`));
    });
  });
}
