import { Command } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessorStatements } from '#payments';
import { UnitOfWork } from '#platform';
import { Reconciler, ReconciliationModule, reconciliationInvariants } from '#reconciliation';
import { registerBankCommand } from '../../apps/cli/src/bank/bank.command.js';
import { FundingStage } from './funding.stage.js';

const SECRET_KEY = 'sk_test_funding';
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface Open {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly expected: bigint;
  readonly found: bigint;
}

/** Funding with a bank account: payouts from the sandbox, statements from files, and comparisons at any time ahead. */
export class ReconciliationStage {
  private constructor(
    readonly funding: FundingStage,
    private readonly home: string,
  ) {}

  static async open(): Promise<ReconciliationStage> {
    return ReconciliationStage.over(await FundingStage.open({}, { modules: [ReconciliationModule] }));
  }

  /** Over a stage that has the room of reconciliation already; closing this one closes that. */
  static over(funding: FundingStage): ReconciliationStage {
    return new ReconciliationStage(funding, mkdtempSync(join(tmpdir(), 'bank-')));
  }

  /** As a process of its own runs it, at the stage's time moved by so much. */
  reconciler(laterMs = 0, processorUrl = this.funding.sandbox.url): Reconciler {
    const { funding } = this;
    const uow = new UnitOfWork(funding.db.dataSource, { now: () => new Date(funding.now().getTime() + laterMs) });
    const apiBase = new URL(processorUrl);
    const settings = { secretKey: SECRET_KEY, publishableKey: '', webhookSecret: '', apiBase };
    return new Reconciler(uow, ProcessorStatements.of(uow, settings));
  }

  /** What is open when compared so much later, as `kind subject`, the subject without its id. */
  async openAt(laterMs: number): Promise<string[]> {
    return (await this.casesAt(laterMs)).map((each) => `${each.kind} ${each.subject.split(':')[0]}`);
  }

  async casesAt(laterMs: number): Promise<readonly Open[]> {
    return (await this.reconciler(laterMs).run()).open;
  }

  /** The one open case of a kind. */
  async caseOf(kind: string, laterMs = HOUR): Promise<Open> {
    const found = (await this.casesAt(laterMs)).filter((each) => each.kind === kind);
    if (found.length !== 1 || !found[0]) throw new Error(`there are ${found.length} cases of ${kind}`);
    return found[0];
  }

  async atStripe(path: string, body: Record<string, string>): Promise<Record<string, string>> {
    const response = await fetch(`${this.funding.sandbox.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(body),
    });
    const answer = (await response.json()) as Record<string, string>;
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  }

  /** A payout of the processor to our bank; answers its id. */
  async payOut(minor: bigint): Promise<string> {
    const { id = '' } = await this.atStripe('/v1/payouts', { amount: String(minor), currency: 'usd' });
    await this.funding.settle();
    return id;
  }

  /** `commonweights bank import`. */
  async bring(
    text: string,
    format: 'camt053' | 'csv' = 'camt053',
    mapping?: object,
    ...flags: string[]
  ): Promise<void> {
    const file = join(this.home, 'statement');
    writeFileSync(file, text);
    writeFileSync(join(this.home, 'mapping.json'), JSON.stringify(mapping ?? {}));
    const program = new Command().exitOverride();
    registerBankCommand(program, join(import.meta.dirname, '../..'));
    const more = mapping ? ['--mapping', join(this.home, 'mapping.json')] : [];
    const args = ['bank', 'import', file, '--format', format, '--database', this.funding.db.url, ...more, ...flags];
    await program.parseAsync(['node', 'x', ...args]);
  }

  /** Transfers in the books, as another room makes them. */
  async book(key: string, debit: string, credit: string, amount: bigint, refs: Record<string, string> = {}) {
    await this.funding.db.uow.run('book', async (tx) => {
      const known = await this.funding.ledger.balances(tx, [debit, credit]);
      const fresh = [debit, credit].filter((code) => !known.has(code));
      const accounts = fresh.map((code) => ({ code, unit: 'USD', limit: 'none' as const }));
      await this.funding.ledger.openAccounts(tx, accounts);
      return this.funding.ledger.post(tx, [{ key, kind: 'posted', debit, credit, amount, reason: 'by hand', refs }]);
    });
  }

  lineId = async (reference: string): Promise<string> => {
    const [row] = await this.funding.rows<{ id: string }>('SELECT id FROM bank_line WHERE reference = $1', [reference]);
    return row?.id ?? '';
  };

  /** Debits less credits, minor units. */
  async held(code: string): Promise<bigint> {
    const balance = (await this.funding.db.uow.read((tx) => this.funding.ledger.balances(tx, [code]))).get(code);
    return balance === undefined ? 0n : balance.debitsPosted - balance.creditsPosted;
  }

  /** What the invariants of funding and of reconciliation find wrong. */
  async violations(): Promise<string[]> {
    const found = await this.funding.violations();
    for (const check of reconciliationInvariants) {
      const result = await this.funding.db.uow.read((tx) => check.run(tx));
      found.push(...result.violations.map((violation) => `${check.name}: ${violation}`));
    }
    return found;
  }

  async close(): Promise<void> {
    await this.funding.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

const decimal = (minor: bigint) => {
  const size = minor < 0n ? -minor : minor;
  return `${size / 100n}.${String(size % 100n).padStart(2, '0')}`;
};
const direction = (minor: bigint) => (minor < 0n ? 'DBIT' : 'CRDT');
const balance = (code: string, minor: bigint) =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">${decimal(minor)}</Amt><CdtDbtInd>${direction(minor)}</CdtDbtInd></Bal>`;

/** A camt.053 file of one statement in dollars. */
export const statement = (
  id: string,
  entries: readonly [reference: string, minor: bigint, text: string][],
  closing?: bigint,
): string =>
  `<Document><BkToCstmrStmt><Stmt><Id>${id}</Id><Acct><Id><IBAN>US1</IBAN></Id><Ccy>USD</Ccy></Acct>${balance('OPBD', 0n)}${balance(
    'CLBD',
    closing ?? entries.reduce((sum, [, minor]) => sum + minor, 0n),
  )}${entries
    .map(
      ([reference, minor, text]) =>
        `<Ntry><Amt Ccy="USD">${decimal(minor)}</Amt><CdtDbtInd>${direction(minor)}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>${reference}</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>${text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`,
    )
    .join('')}</Stmt></BkToCstmrStmt></Document>`;
