import type { Server } from 'node:http';

/** Takes no new connection, lets requests under way finish, and resolves when the last connection is closed. */
export async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that is kept alive becomes idle only after its request, so it is looked for again and again.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearInterval(sweep);
}
