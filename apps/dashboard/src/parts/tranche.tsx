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

export const shareOf = (bp: number): string => (bp === 0 ? 'the rest' : `${decimal(String(bp), 2)} %`);

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
      {tranche.evidence.length > 0 && (
        <ul class="rows">
          {tranche.evidence.map((evidence) => (
            <EvidenceLine key={evidence.id} evidence={evidence} required={required} now={now} />
          ))}
        </ul>
      )}
      {last && (
        <p class="panel-note">
          Attempt {last.number}: {words(last.status).toLowerCase()}
          {last.failureCode && ` (${words(last.failureCode).toLowerCase()})`}
          {last.status === 'IN_TRANSIT' && last.arrivalAt && `, expected ${dateTime(last.arrivalAt)}`}.
        </p>
      )}
    </div>
  );
}

function EvidenceLine({ evidence, required, now }: { evidence: Evidence; required: number; now: number }) {
  const yes = evidence.approvals.filter(({ approves }) => approves).length;
  return (
    <li>
      <span class="rows-main">
        <span>
          {evidence.kind === 'NONE' ? 'Its time has come' : words(evidence.kind)} ·{' '}
          {words(evidence.outcome).toLowerCase()}
          {evidence.outcome === 'OPEN' && `, ${yes} of ${required} approvals`}
        </span>
        {evidence.report !== '' && <small>{evidence.report}</small>}
        {evidence.value !== null && <small>Value {evidence.value}</small>}
        {evidence.tokens !== null && <small>{integer(evidence.tokens)} tokens</small>}
        {evidence.submittedBy !== null && <small>Stated by {evidence.submittedBy.slice(0, 8)}</small>}
        {evidence.vote && <VoteLine vote={evidence.vote} />}
        {evidence.files.map((file) => (
          <small key={file.sha256}>
            <a href={file.downloadUrl}>{file.name}</a> {bytes(file.bytes)}
          </small>
        ))}
        {evidence.approvals.map((approval) => (
          <small key={approval.approver}>
            {approval.approves ? 'Approved' : 'Refused'} by {approval.approver.slice(0, 8)}: {approval.reason}
          </small>
        ))}
      </span>
      <span class="rows-when">
        <When iso={evidence.submittedAt} now={now} />
      </span>
    </li>
  );
}

function VoteLine({ vote }: { vote: NonNullable<Evidence['vote']> }) {
  if (vote.yes !== null && vote.no !== null) {
    return (
      <small>
        {vote.yes} for, {vote.no} against, of {vote.electorate} backers
      </small>
    );
  }
  return (
    <small>
      {vote.cast} of {vote.electorate} backers have voted; open until {dateTime(vote.closesAt)}
    </small>
  );
}
