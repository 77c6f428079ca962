import { createServer } from 'node:http';
import pg from 'pg';

/*
 * The limit of the campaign page: node:http, one prepared statement, and the least JavaScript that makes the same bytes
 * of its rows. No GraphQL, no framework, no log, nobody asked who he is. The statement is the one that the API sends.
 */

const MAX_CONNECTIONS = 8;
const statement = process.env['PAGE_STATEMENT'] ?? '';
// Amounts stay text: they go out as text.
const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  max: MAX_CONNECTIONS,
  options: '-c jit=off -c timezone=UTC',
});

interface PledgeJson {
  readonly amount: string;
  readonly anonymous: boolean;
  readonly name: string | null;
}
interface Row {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly captured: string | null;
  readonly part0: readonly PledgeJson[] | null;
}

const FIRST = 20;
const PLEDGES = 10;

const pledgeOf = (pledge: PledgeJson) => ({
  amount: { amountMinor: pledge.amount },
  contributor: { displayName: pledge.anonymous ? 'Anonymous' : (pledge.name ?? 'Erased contributor') },
});
const campaignOf = (row: Row) => ({
  id: Buffer.from(`Campaign:${row.id}`).toString('base64url'),
  title: row.title,
  state: row.state.toUpperCase(),
  progress: { cashCaptured: { amountMinor: row.captured ?? '0' } },
  pledges: { nodes: (row.part0 ?? []).slice(0, PLEDGES).map(pledgeOf) },
});

const server = createServer((request, response) => {
  request.resume();
  pool.query<Row>({ name: 'page', text: statement, values: [null] }).then(
    ({ rows }) => {
      const body = `${JSON.stringify({ data: { campaigns: { nodes: rows.slice(0, FIRST).map(campaignOf) } } })}\n`;
      response.setHeader('content-type', 'application/json; charset=utf-8');
      response.end(body);
    },
    (error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    },
  );
});
server.listen(Number(process.env['PORT']), '127.0.0.1', () => process.send?.({ ready: true }));
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
