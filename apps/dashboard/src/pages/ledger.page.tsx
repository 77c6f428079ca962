/** `/ledger` and `/ledger/:code`: the books, open. */
import { Fragment } from 'preact';
import { ledgerAccountQuery, ledgerQuery } from '../api/documents.js';
import { nodesOf, type Connection, type LedgerAccount, type LedgerTransfer } from '../api/shapes.js';
import { decimal, gpuTime, integer, money } from '../format/amount.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { More } from '../parts/more.js';
import { Icon } from '../parts/mark.js';
import { Empty } from '../parts/notice.js';
import { When } from '../parts/who-when.js';
import { words } from '../parts/state.js';
import { failurePage, whyNothing } from './problem.page.js';

interface TrialBalance {
  unit: string;
  debits: string;
  credits: string;
  balanced: boolean;
}
interface LedgerAnswer {
  ledgerTrialBalance: TrialBalance[];
  ledgerAccounts: Connection<LedgerAccount>;
  ledgerTransfers: Connection<LedgerTransfer>;
}

/** Cents as money, GPU-milliseconds as GPU time, anything else as the integer it is. */
export function amountIn(unit: string, amount: string | bigint): string {
  if (/^[A-Z]{3}$/.test(unit)) return money({ amountMinor: String(amount), currency: unit });
  if (unit.startsWith('gpu_second:'))
    return gpuTime({ milliseconds: String(amount), class: unit.slice('gpu_second:'.length) });
  return integer(amount);
}
const exactIn = (unit: string, amount: string): string =>
  unit.startsWith('gpu_second:')
    ? `${decimal(amount, 3)} s`
    : /^[A-Z]{3}$/.test(unit)
      ? money({ amountMinor: amount, currency: unit })
      : integer(amount);
const unitName = (unit: string): string =>
  unit.startsWith('gpu_second:') ? `GPU-seconds, class ${unit.slice('gpu_second:'.length)}` : unit;

export async function ledgerPage(context: PageContext): Promise<Result> {
  const query = context.url.searchParams;
  const prefix = query.get('prefix')?.trim() || undefined;
  const unit = query.get('unit') || undefined;
  const after = query.get('after') ?? undefined;
  const answer = await context.ask<LedgerAnswer>(ledgerQuery, { first: 30, after, prefix, unit });
  if (!answer.data) return failurePage(answer.problems);
  const { ledgerTrialBalance: trial, ledgerAccounts, ledgerTransfers } = answer.data;
  const accounts = nodesOf(ledgerAccounts);
  return page({
    title: 'Ledger',
    section: 'ledger',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <h1>Ledger</h1>
          <p class="lead">
            Money and GPU time move between accounts in double entry. Nothing is ever changed or removed; a mistake is
            corrected by another transfer.
          </p>
          <p>
            <a href="/reconciliation">Compared with processor, bank and meters every minute</a>
          </p>
        </div>
        <section class="stack" aria-labelledby="trial-head">
          <h2 id="trial-head">Trial balance</h2>
          {trial.length === 0 ? (
            <Empty title="The books are empty">The first pledge will open them.</Empty>
          ) : (
            <ul class="trial">
              {trial.map((line) => (
                <li key={line.unit} class="panel">
                  <p class={line.balanced ? 'verdict good' : 'verdict bad'}>
                    <Icon name={line.balanced ? 'check' : 'cross'} size={16} />
                    {line.balanced ? 'Balanced' : 'Out of balance'}
                  </p>
                  <h3>{unitName(line.unit)}</h3>
                  <dl>
                    <div>
                      <dt>Debits</dt>
                      <dd>{exactIn(line.unit, line.debits)}</dd>
                    </div>
                    <div>
                      <dt>Credits</dt>
                      <dd>{exactIn(line.unit, line.credits)}</dd>
                    </div>
                  </dl>
                </li>
              ))}
            </ul>
          )}
        </section>
        <section class="stack" aria-labelledby="accounts-head">
          <h2 id="accounts-head">Accounts</h2>
          <form method="get" action="/ledger" class="filter">
            <label>
              <span>Code begins with</span>
              <input
                type="search"
                name="prefix"
                value={prefix ?? ''}
                placeholder="campaign:"
                autoComplete="off"
                spellcheck={false}
              />
            </label>
            <label>
              <span>Unit</span>
              <select name="unit">
                <option value="">Any</option>
                {trial.map((line) => (
                  <option key={line.unit} value={line.unit} selected={line.unit === unit}>
                    {line.unit}
                  </option>
                ))}
              </select>
            </label>
            <button class="button quiet">Filter</button>
          </form>
          {accounts.length === 0 ? (
            <Empty title="No account matches">Account codes are paths, such as campaign:…:escrow:USD.</Empty>
          ) : (
            <div class="scroll">
              <table class="table stacked">
                <thead>
                  <tr>
                    <th scope="col">Account</th>
                    <th scope="col" class="num">
                      Debits
                    </th>
                    <th scope="col" class="num">
                      Credits
                    </th>
                    <th scope="col" class="num">
                      Pending
                    </th>
                    <th scope="col" class="num">
                      Balance
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {accounts.map((account) => (
                    <AccountRow key={account.id} account={account} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <More url={context.url} connection={ledgerAccounts} label="More accounts" />
        </section>
        <section class="stack" aria-labelledby="transfers-head">
          <h2 id="transfers-head">Latest transfers</h2>
          <Transfers transfers={nodesOf(ledgerTransfers)} now={context.now} />
        </section>
      </div>
    ),
  });
}

const pendingOf = (account: LedgerAccount): bigint => BigInt(account.debitsPending) + BigInt(account.creditsPending);
const balanceOf = (account: LedgerAccount): bigint => BigInt(account.creditsPosted) - BigInt(account.debitsPosted);
const side = (balance: bigint): string => (balance === 0n ? '' : balance > 0n ? 'credit' : 'debit');
const size = (balance: bigint): bigint => (balance < 0n ? -balance : balance);

function AccountRow({ account }: { account: LedgerAccount }) {
  const balance = balanceOf(account);
  const pending = pendingOf(account);
  return (
    <tr>
      <th scope="row">
        <a class="code-path" href={`/ledger/${encodeURIComponent(account.code)}`}>
          <Code text={account.code} />
        </a>
      </th>
      <td data-label="Debits" class="num">
        {amountIn(account.unit, account.debitsPosted)}
      </td>
      <td data-label="Credits" class="num">
        {amountIn(account.unit, account.creditsPosted)}
      </td>
      <td data-label="Pending" class="num">
        {pending === 0n ? '–' : amountIn(account.unit, pending)}
      </td>
      <td data-label="Balance" class="num">
        <span>
          <strong>{amountIn(account.unit, size(balance))}</strong>
          {balance !== 0n && <small>{side(balance)}</small>}
        </span>
      </td>
    </tr>
  );
}

const uuid = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{6}([0-9a-f]{6})/g;

/** Long codes may break after each colon; in lists an id is cut to its last six digits, which tell ids of one day apart. */
function Code({ text, whole = false }: { text: string; whole?: boolean }) {
  const shown = whole ? text : text.replaceAll(uuid, '…$1');
  return (
    <span title={shown === text ? undefined : text}>
      {shown.split(/(?<=:)/).map((part, at) => (
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </span>
  );
}

/** What a transfer does beside moving its amount at once. */
function kindOf({ kind, state }: LedgerTransfer): string | null {
  if (kind === 'PENDING') return state === 'PENDING' ? 'Held' : `Was held, ${words(state).toLowerCase()}`;
  const others: Record<string, string> = {
    POST_PENDING: 'Out of a hold',
    VOID_PENDING: 'Hold given up',
    EXPIRED: 'Hold ran out',
  };
  return others[kind] ?? null;
}

/** With `account`, amounts are signed by what they did to it. */
function Transfers({ transfers, now, account }: { transfers: LedgerTransfer[]; now: number; account?: string }) {
  if (transfers.length === 0) return <Empty title="No transfer yet" />;
  const link = (code: string) =>
    code === account ? (
      <span class="code-path muted">
        <Code text={code} />
      </span>
    ) : (
      <a class="code-path" href={`/ledger/${encodeURIComponent(code)}`}>
        <Code text={code} />
      </a>
    );
  return (
    <ol class="transfers">
      {transfers.map((transfer) => (
        <li key={transfer.id}>
          <p class="transfer-reason">
            <strong>{words(transfer.reason)}</strong>
            {kindOf(transfer) && <span class="state">{kindOf(transfer)}</span>}
          </p>
          <p class="transfer-amount">
            {account && (transfer.creditAccount.code === account ? '+' : '−')}
            {amountIn(transfer.unit, transfer.amount)}
          </p>
          <p class="transfer-path">
            {link(transfer.debitAccount.code)}
            <span aria-label="to" class="arrow">
              →
            </span>
            {link(transfer.creditAccount.code)}
          </p>
          <p class="transfer-when">
            <When iso={transfer.createdAt} now={now} />
          </p>
        </li>
      ))}
    </ol>
  );
}

const limits: Record<string, string> = {
  NONE: 'May stand on either side.',
  DEBITS_MUST_NOT_EXCEED_CREDITS: 'Guarded: debits, pending ones included, must not exceed credits.',
  CREDITS_MUST_NOT_EXCEED_DEBITS: 'Guarded: credits, pending ones included, must not exceed debits.',
};

export async function ledgerAccountPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const after = context.url.searchParams.get('after') ?? undefined;
  const answer = await context.ask<{
    ledgerAccount: (LedgerAccount & { transfers: Connection<LedgerTransfer> }) | null;
  }>(ledgerAccountQuery, {
    code: params.code,
    first: 40,
    after,
  });
  const account = answer.data?.ledgerAccount;
  if (!account) return whyNothing(answer, 'account');
  const balance = balanceOf(account);
  const tile = (label: string, amount: string) => (
    <div class="tile">
      <dt>{label}</dt>
      <dd>
        {amountIn(account.unit, amount)}
        <small>{exactIn(account.unit, amount)}</small>
      </dd>
    </div>
  );
  return page({
    title: account.code,
    section: 'ledger',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/ledger">Ledger</a>
            <span>{unitName(account.unit)}</span>
          </p>
          <h1 class="code-title">
            <Code text={account.code} whole />
          </h1>
          <p class="lead">{limits[account.limit.toUpperCase()] ?? words(account.limit)}</p>
        </div>
        <dl class="tiles">
          <div class="tile wide">
            <dt>Balance</dt>
            <dd>
              {amountIn(account.unit, size(balance))} <small>{side(balance)}</small>
            </dd>
          </div>
          {tile('Debits', account.debitsPosted)}
          {tile('Credits', account.creditsPosted)}
          {tile('Debits pending', account.debitsPending)}
          {tile('Credits pending', account.creditsPending)}
        </dl>
        <section class="stack" aria-labelledby="transfers-head">
          <h2 id="transfers-head">Transfers</h2>
          <Transfers transfers={nodesOf(account.transfers)} now={context.now} account={account.code} />
          <More url={context.url} connection={account.transfers} label="Earlier transfers" />
        </section>
      </div>
    ),
  });
}
