/** What the pledge form ends with: thanks, an account to send money to, or why it did not work. */
import type { UserError } from '../api/shapes.js';
import { UserErrors } from '../parts/form.js';
import { Icon } from '../parts/mark.js';
import { type TransferAccount, TransferLines } from '../parts/transfer-account.js';

export type Transfer = TransferAccount;

/** How a pledge stands when the form is through: paid, saved for later, on its way from a bank, or a plan for each month. */
export type Ending = 'collected' | 'saved' | 'processing' | 'monthly' | 'changed';

const endings: Record<Ending, (amount: string, noun: string) => [title: string, text: string]> = {
  monthly: (_amount, noun) => [
    `Thank you. The ${noun} is saved for each month.`,
    'The first month is charged within a minute. Stop it at any time from your account.',
  ],
  changed: (amount, noun) => [
    `The ${noun} is saved for the months to come.`,
    `${amount} is charged to it from the next month on; the one before is deleted.`,
  ],
  saved: (amount, noun) => [
    `Thank you. ${amount} is pledged.`,
    `The ${noun} is saved and nothing was charged. You can withdraw the pledge until the campaign settles.`,
  ],
  processing: (amount) => [
    `Thank you. ${amount} is on its way.`,
    'The bank was asked and takes some days to answer. It counts for the campaign when the money is there, and you are told either way.',
  ],
  collected: (amount) => [
    `Thank you. ${amount} is in the campaign’s escrow.`,
    'The charge, the booking and the public record were written together. You can ask for it back from your account.',
  ],
};

export function PledgeDone(props: { amount: string; path: string; ending: Ending; noun: string }) {
  const [title, text] = endings[props.ending](props.amount, props.noun);
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
        <a class="button quiet" href="/account/giving">
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
      <TransferLines transfer={transfer} />
      <p class="actions">
        <a class="button quiet" href="/account/giving">
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

/** A US bank account that was typed in proves itself by a small deposit. */
export const VerifyAccount = ({ amount, url }: { amount: string; url: string }) => (
  <div class="form panel" role="status">
    <h2>One more step for {amount}: show that the account is yours</h2>
    <p class="muted">
      A deposit of one cent arrives within two business days. Its description carries a code of six letters. Give the
      code on the payment service’s page; the link comes by e-mail, too. Until then nothing is debited and the pledge
      does not count.
    </p>
    <p class="actions">
      <a class="button cash" href={url} target="_blank" rel="noopener">
        Give the code
      </a>
      <a class="button quiet" href="/account/giving">
        My pledges
      </a>
    </p>
  </div>
);
