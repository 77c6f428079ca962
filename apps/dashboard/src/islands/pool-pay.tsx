/**
 * A sponsor pays into a pool of matching money. Step 1 names the amount and the way; step 2 pays by card or debit, straight
 * to the payment service, or says where a transfer goes; step 3 waits for the books and ends at the receipt.
 */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { matchDepositStateQuery, matchPoolDeposit } from '../api/matching.documents.js';
import type { UserError } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { parseMoney } from '../format/parse.js';
import { UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import { type TransferAccount, TransferLines } from '../parts/transfer-account.js';
import type { Payment } from './confirm.client.js';
import { askApi } from './live.client.js';
import type { PayStepProps } from './pay-step.js';
import { type Rail, RailChoice } from './rail-choice.js';

export interface PoolPayProps {
  poolId: string;
  poolPath: string;
  currency: string;
  /** The deposit that a bank's page sent the browser back for. */
  returned: string | null;
}
interface Made {
  deposit: { id: string; state: string } | null;
  payment: (Omit<Payment, 'clientSecret' | 'savesMethod'> & { clientSecret: string | null }) | null;
  transfer: TransferAccount | null;
  userErrors: UserError[];
}
type Step = 'amount' | 'pay' | 'transfer' | 'verify' | 'waiting';

/** How often the books are asked: soon at first, then rarely. */
const SOON_MS = 500;
const LATER_MS = 3000;

export function PoolPayForm(props: PoolPayProps) {
  const { currency } = props;
  const [step, setStep] = useState<Step>(props.returned ? 'waiting' : 'amount');
  const [text, setText] = useState('');
  const [rail, setRail] = useState<Rail>('CARD');
  const [anonymous, setAnonymous] = useState(false);
  const [depositId, setDepositId] = useState(props.returned ?? '');
  const [payment, setPayment] = useState<Payment | null>(null);
  const [transfer, setTransfer] = useState<TransferAccount | null>(null);
  const [verifyUrl, setVerifyUrl] = useState('');
  const [PayStep, setPayStep] = useState<ComponentType<PayStepProps> | null>(null);
  const [busy, setBusy] = useState(false);
  const [ready, setReady] = useState(false);
  const [errors, setErrors] = useState<Pick<UserError, 'code' | 'message' | 'hint'>[]>([]);
  const key = useRef('');
  const refuse = (message: string) => setErrors([{ code: 'local', message, hint: null }]);
  const amountMinor = parseMoney(text, currency)?.toString();
  const amount = amountMinor ? money({ amountMinor, currency }) : 'it';
  const receipt = (id: string) => `${props.poolPath}?deposit=${encodeURIComponent(id)}`;

  useEffect(() => setReady(true), []);
  useEffect(() => {
    if (step !== 'pay' || PayStep) return;
    import('./pay-step.js').then(
      (module) => setPayStep(() => module.PayStep),
      () => refuse('This step could not be loaded. Reload the page and begin again: nothing was charged.'),
    );
  }, [step]);
  useEffect(() => {
    if (step !== 'waiting') return;
    let stopped = false;
    let tries = 0;
    const look = async () => {
      const answer = await askApi<{ matchPool: { viewerDeposits: { id: string; state: string }[] } | null }>(
        matchDepositStateQuery,
        { id: props.poolId },
      ).catch(() => null);
      if (stopped) return;
      const found = answer?.matchPool?.viewerDeposits.find(({ id }) => id === depositId);
      if (found?.state === 'COLLECTED') return location.assign(receipt(depositId));
      tries += 1;
      setTimeout(look, tries < 20 ? SOON_MS : LATER_MS);
    };
    void look();
    return () => {
      stopped = true;
    };
  }, [step]);

  const begin = async (event: Event) => {
    event.preventDefault();
    if (!amountMinor)
      return refuse(`Give an amount in ${currency}, such as ${currency === 'JPY' ? '25,000' : '25,000 or 12.50'}.`);
    setBusy(true);
    setErrors([]);
    // One key for this intention: a second click or a lost answer makes no second deposit.
    key.current ||= crypto.randomUUID();
    try {
      const input = { poolId: props.poolId, amountMinor, currency, rail, anonymous, idempotencyKey: key.current };
      const made = (await askApi<{ matchPoolDeposit: Made }>(matchPoolDeposit, { input })).matchPoolDeposit;
      if (!made.deposit) {
        key.current = '';
        setErrors(made.userErrors);
      } else {
        setDepositId(made.deposit.id);
        setTransfer(made.transfer);
        if (made.transfer) setStep('transfer');
        else if (!made.payment) setStep('waiting');
        else if (made.payment.clientSecret) {
          setPayment({ ...made.payment, clientSecret: made.payment.clientSecret, savesMethod: false });
          setStep('pay');
        } else refuse('The payment service can’t be reached just now. Press the button again in a minute.');
      }
    } catch (error) {
      refuse((error as Error).message);
    }
    setBusy(false);
  };

  if (step === 'pay' && payment && PayStep)
    return (
      <PayStep
        payment={payment}
        rail={rail}
        amount={amount}
        monthly={false}
        chargedAtClose={false}
        returnUrl={`${location.origin}${props.poolPath}?returned=${encodeURIComponent(depositId)}`}
        onDone={(outcome) => {
          if (outcome.kind === 'verify') setVerifyUrl(outcome.url);
          setStep(outcome.kind === 'verify' ? 'verify' : 'waiting');
        }}
      />
    );
  if (step === 'pay')
    return (
      <div class="form panel" role="status">
        <UserErrors errors={errors} />
        <p class="muted">One moment…</p>
      </div>
    );
  if (step === 'transfer' && transfer)
    return (
      <div class="form panel" role="status">
        <h2>Send {amount} from your bank</h2>
        <p class="muted">
          The account below is yours alone, so what arrives is known to be yours, whatever you write with it. It is in
          the pool when all of it has come; what is over stays yours, to use or to take back.
        </p>
        <TransferLines transfer={transfer} />
        <p class="actions">
          <a class="button" href={receipt(depositId)}>
            Done
          </a>
        </p>
      </div>
    );
  if (step === 'verify')
    return (
      <div class="form panel" role="status">
        <h2>One more step: show that the account is yours</h2>
        <p class="muted">
          A deposit of one cent arrives within two business days. Its description carries a code of six letters. Until
          it is given nothing is debited.
        </p>
        <p class="actions">
          <a class="button cash" href={verifyUrl} target="_blank" rel="noopener">
            Give the code
          </a>
        </p>
      </div>
    );
  if (step === 'waiting')
    return (
      <div class="panel done" role="status">
        <h2>Waiting for the booking…</h2>
        <p class="muted">
          A card takes a second, a debit some days; you can leave this page. The receipt is here as soon as the money is
          in the pool.
        </p>
        <p class="actions">
          <a class="button quiet" href={props.poolPath}>
            Back to the pool
          </a>
        </p>
      </div>
    );
  return (
    <form class="form panel" onSubmit={begin} noValidate>
      <h2>Pay into the pool</h2>
      <UserErrors errors={errors} />
      <div class="field-row">
        <label for="deposit-amount">Amount in {currency}</label>
        <input
          id="deposit-amount"
          inputMode="decimal"
          autoComplete="off"
          placeholder="25,000"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <RailChoice amountMinor={amountMinor} currency={currency} chargedAtClose={false} rail={rail} onChange={setRail} />
      <label class="check">
        <input type="checkbox" checked={anonymous} onChange={(event) => setAnonymous(event.currentTarget.checked)} />
        <span>
          Give anonymously
          <br />
          <small class="muted">Your name is not shown; the amount is.</small>
        </span>
      </label>
      <p class="actions">
        <button class="button cash" disabled={busy || !ready}>
          {busy ? 'One moment…' : rail === 'BANK_TRANSFER' ? 'Show where to send it' : 'Go on to payment'}
        </button>
      </p>
      {!ready && (
        <noscript>
          <Notice tone="warn" title="Paying needs JavaScript">
            A card or account number goes from your browser straight to the payment service and never through our
            servers. That takes a script.
          </Notice>
        </noscript>
      )}
    </form>
  );
}
