import type { DataSource } from 'typeorm';

/** A table of which one column is the state of a machine. */
export interface MachineTable {
  readonly table: string;
  readonly column: 'state' | 'status';
}

/** Tables that change without anything having happened: who is signed in, and how far the relay has got. */
const QUIET: readonly string[] = ['session', 'test_step'];

/**
 * Writes down, in a test's own database, each state that a row really came from and went to: in the transaction of the
 * step, so that what was rolled back was never taken. A row that is made counts as a step from nothing.
 */
export class StepsRecorder {
  private constructor(private readonly source: DataSource) {}

  static async begin(source: DataSource, tables: readonly MachineTable[]): Promise<StepsRecorder> {
    await source.query(
      `CREATE TABLE test_step (n bigint GENERATED ALWAYS AS IDENTITY, machine text, row_id text, from_state text, to_state text)`,
    );
    await source.query(
      `CREATE FUNCTION test_step() RETURNS trigger LANGUAGE plpgsql AS $$
       DECLARE before_state text := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD)->>TG_ARGV[0] ELSE '' END;
       BEGIN
         IF before_state IS DISTINCT FROM to_jsonb(NEW)->>TG_ARGV[0] THEN
           INSERT INTO test_step (machine, row_id, from_state, to_state)
           VALUES (TG_TABLE_NAME, to_jsonb(NEW)->>'id', before_state, to_jsonb(NEW)->>TG_ARGV[0]);
         END IF;
         RETURN NULL;
       END $$`,
    );
    for (const { table, column } of tables)
      await source.query(
        `CREATE TRIGGER test_step_tr AFTER INSERT OR UPDATE OF ${column} ON ${table}
           FOR EACH ROW EXECUTE FUNCTION test_step('${column}')`,
      );
    return new StepsRecorder(source);
  }

  /** The states that a row went through, the one it was made in first. */
  async path(rowId: string): Promise<string[]> {
    const rows: { to_state: string }[] = await this.source.query(
      'SELECT to_state FROM test_step WHERE row_id = $1 ORDER BY n',
      [rowId],
    );
    return rows.map((row) => row.to_state);
  }

  /** Every step that was taken by any row of the table, as `from to`. */
  async taken(table: string): Promise<Set<string>> {
    const rows: { from_state: string; to_state: string }[] = await this.source.query(
      "SELECT DISTINCT from_state, to_state FROM test_step WHERE machine = $1 AND from_state <> ''",
      [table],
    );
    return new Set(rows.map((row) => `${row.from_state} ${row.to_state}`));
  }

  /** The states that rows of the table were made in. */
  async begun(table: string): Promise<Set<string>> {
    const rows: { to_state: string }[] = await this.source.query(
      "SELECT DISTINCT to_state FROM test_step WHERE machine = $1 AND from_state = ''",
      [table],
    );
    return new Set(rows.map((row) => row.to_state));
  }

  /** A digest of the rows of every table: equal before and after where nothing at all was changed. */
  async everything(): Promise<Record<string, string>> {
    const tables: { name: string }[] = await this.source.query(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND relname <> ALL($1)`,
      [QUIET],
    );
    const digests = tables.map(
      ({ name }) =>
        `SELECT '${name}' AS name, count(*) || ' rows ' || md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest FROM ${name} t`,
    );
    const rows: { name: string; digest: string }[] = await this.source.query(digests.join(' UNION ALL '));
    return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
  }
}

/** The steps of a machine as the recorder names them. */
export const stepsOf = (transitions: readonly { readonly from: string; readonly to: string }[]): Set<string> =>
  new Set(transitions.map(({ from, to }) => `${from} ${to}`));
