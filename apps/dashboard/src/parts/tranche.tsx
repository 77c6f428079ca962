/** One tranche: its share, its evidence with who stands for it, its approvals and its payout. */
import type { Evidence, Tranche } from '../api/disbursement.shapes.js';
import { bytes, decimal, integer, money } from '../format/amount.js';
import { dateTime } from '../format/moment.js';
import { State, words } from './state.js';
import { When } from './who-when.js';

const waits: Record<string, string> = {
  SAFETY_WINDOW: 'Waits until the safety window is over.',
  DISPUTE_WINDOWS: 'Waits until no payment can be disputed any more.',
  EVIDENCE: 'Waits for its evidence.',
  VOTE: 'The backers are voting.',
  APPROVALS: 'Waits for approvals.',
  PAYOUT_ACCOUNT: 'Waits for a payout account that can receive money.',
  CAMPAIGN: 'Waits until the campaign goes on.',
  MONEY: 'Waits for its money to be set aside.',
  BANK: 'Waits for the bank.',
  OPERATOR: 'Held by an operator.',
  RETRY: 'It could not be delivered; the money is back in escrow.',
};

/** Why a payout failed, and what helps, where the processor's own word tells too little. */
const WHY: Record<string, string> = {
  balance_insufficient: 'what backers paid is not cleared at the processor yet; try again in a few business days',
  account_closed: 'the bank account is closed; connect another one, then try again',
  no_account: 'there is no such bank account; correct it, then try again',
};

export const shareOf = (bp: number): string =>
  bp === 0 ? 'the rest' : `${decimal(String(bp), 2).replace(/\.?0+$/, '')} %`;

/** What the terms ask for, as one sentence. */
export function asks({ evidenceKind, evidenceTerms: terms }: Tranche): string {
  const said = terms.description ? ` ${terms.description}` : '';
  switch (evidenceKind) {
    case 'CHECKPOINT':
      return `A promoted checkpoint${terms.minTokens ? ` of at least ${integer(terms.minTokens)} tokens` : ''}.${said}`;
    case 'EVALUATION':
      return `${terms.metric ?? 'A metric'} of ${terms.direction === 'at_most' ? 'at most' : 'at least'} ${terms.threshold ?? 'any value'}.${said}`;
    case 'MILESTONE_REPORT':
      return `A report.${said}`;
    case 'VOTE':
      return `A vote of the backers.${said}`;
    default:
      return 'Time alone.';
  }
}

export function TrancheRecord({ tranche, required, now }: { tranche: Tranche; required: number; now: number }) {
  const last = tranche.attempts.at(-1);
  return (
    <div class="stack">
      <div class="panel-head">
        <h3>
          {tranche.number}. {tranche.title}
        </h3>
        <State of={tranche.state} />
      </div>
      <p class="figure">
        <strong class="cash-ink">{tranche.amount ? money(tranche.amount) : shareOf(tranche.shareBp)}</strong>{' '}
        {tranche.amount && <span class="muted">{shareOf(tranche.shareBp)}</span>}
      </p>
      <p class="muted">
        {asks(tranche)} {waits[tranche.waitingFor]} {tranche.heldReason}
      </p>
      {tranche.evidence.map((evidence) => (
        <EvidenceFacts key={evidence.id} evidence={evidence} required={required} now={now} />
      ))}
      {last && (
        <p class="panel-note">
          Attempt {last.number}: {words(last.status).toLowerCase()}
          {last.failureCode && ` (${WHY[last.failureCode] ?? words(last.failureCode).toLowerCase()})`}
          {last.status === 'IN_TRANSIT' && last.arrivalAt && `, expected ${dateTime(last.arrivalAt)}`}.
        </p>
      )}
    </div>
  );
}

/** Enough of a pseudonym to tell people apart; the first half of it is a time. */
const who = (pseudonym: string): string => pseudonym.slice(-8);

function EvidenceFacts({ evidence, required, now }: { evidence: Evidence; required: number; now: number }) {
  const yes = evidence.approvals.filter(({ approves }) => approves).length;
  return (
    <dl class="facts">
      <div>
        <dt>{evidence.kind === 'NONE' ? 'Its time has come' : words(evidence.kind)}</dt>
        <dd>
          {words(evidence.outcome).toLowerCase()}
          {evidence.outcome === 'OPEN' && `, ${yes} of ${required} approvals`},{' '}
          <When iso={evidence.submittedAt} now={now} />
        </dd>
      </div>
      {evidence.report !== '' && (
        <div>
          <dt>Report</dt>
          <dd>{evidence.report}</dd>
        </div>
      )}
      {evidence.value !== null && (
        <div>
          <dt>Value</dt>
          <dd>{evidence.value}</dd>
        </div>
      )}
      {evidence.tokens !== null && (
        <div>
          <dt>Trained on</dt>
          <dd>{integer(evidence.tokens)} tokens</dd>
        </div>
      )}
      {evidence.submittedBy !== null && (
        <div>
          <dt>Stated by</dt>
          <dd>{who(evidence.submittedBy)}</dd>
        </div>
      )}
      {evidence.vote && (
        <div>
          <dt>Vote</dt>
          <dd>
            <VoteLine vote={evidence.vote} />
          </dd>
        </div>
      )}
      {evidence.files.map((file) => (
        <div key={file.sha256}>
          <dt>File</dt>
          <dd>
            <a href={file.downloadUrl}>{file.name}</a> {bytes(file.bytes)}
          </dd>
        </div>
      ))}
      {evidence.approvals.map((approval) => (
        <div key={approval.approver}>
          <dt>
            {approval.approves ? 'Approved' : 'Refused'} by {who(approval.approver)}
          </dt>
          <dd>{approval.reason}</dd>
        </div>
      ))}
    </dl>
  );
}

function VoteLine({ vote }: { vote: NonNullable<Evidence['vote']> }) {
  if (vote.yes !== null && vote.no !== null) {
    return (
      <>
        {vote.yes} for, {vote.no} against, of {vote.electorate} backers
      </>
    );
  }
  return (
    <>
      {vote.cast} of {vote.electorate} backers have voted; open until {dateTime(vote.closesAt)}
    </>
  );
}
