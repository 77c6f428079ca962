/** What the pledge form ends with: thanks, an account to send money to, or why it did not work. */
import type { UserError } from '../api/shapes.js';
import { UserErrors } from '../parts/form.js';
import { Icon } from '../parts/mark.js';

export interface Transfer {
  currency: string;
  accounts: { label: string; value: string }[][];
}

export function PledgeDone(props: { amount: string; path: string; saved: boolean; monthly: boolean }) {
  const [title, text] = props.monthly
    ? [
        'Thank you. The card is saved for each month.',
        'The first month is charged within a minute. Stop it at any time from your account.',
      ]
    : props.saved
      ? [
          `Thank you. ${props.amount} is pledged.`,
          'The card is saved and nothing was charged. You can withdraw the pledge until the campaign settles.',
        ]
      : [
          `Thank you. ${props.amount} is in the campaign’s escrow.`,
          'The charge, the booking and the public record were written together. You can ask for it back from your account.',
        ];
  return (
    <div class="panel done" role="status">
      <span class="done-mark">
        <Icon name="check" size={26} />
      </span>
      <h2>{title}</h2>
      <p class="muted">{text}</p>
      <p class="actions">
        <a class="button" href={props.path}>
          See the campaign
        </a>
        <a class="button quiet" href="/account">
          My pledges
        </a>
      </p>
    </div>
  );
}

export function BankTransfer({ amount, transfer }: { amount: string; transfer: Transfer }) {
  return (
    <div class="form panel" role="status">
      <h2>Send {amount} from your bank</h2>
      <p class="muted">
        The account below is yours alone, so what arrives is known to be yours, whatever you write with it. Several
        transfers may pay one pledge; what is over stays yours, to use or to take back.
      </p>
      {transfer.accounts.map((lines, index) => (
        <dl class="facts" key={index}>
          {lines.map(({ label, value }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
        </dl>
      ))}
      <p class="actions">
        <a class="button quiet" href="/account">
          My pledges
        </a>
      </p>
    </div>
  );
}

export const PledgeWaiting = ({ bankSaidNo }: { bankSaidNo: boolean }) => (
  <div class="panel done" role="status">
    <h2>Waiting for the booking…</h2>
    <p class="muted">
      {bankSaidNo
        ? 'The bank says that the confirmation failed. Looking at what was recorded.'
        : 'It is on its way. This usually takes a second; you can leave this page.'}
    </p>
  </div>
);

export const PledgeFailed = (props: {
  errors: Pick<UserError, 'code' | 'message' | 'hint'>[];
  again: string;
  amount: string;
}) => (
  <div class="form panel">
    <UserErrors errors={props.errors} />
    <p>Nothing was charged{props.amount === '' ? '' : ` of the ${props.amount}`}.</p>
    <p class="actions">
      <a class="button cash" href={props.again}>
        Begin again
      </a>
    </p>
  </div>
);
