/**
 * The second step of a pledge: a card or a bank account, confirmed with the processor. Loaded when it is reached, so that the
 * page of the first step stays light.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { UserErrors } from '../parts/form.js';
import { AccountFields, noAccount, readAccount } from './account-fields.js';
import { CardFields, readCard } from './card-fields.js';
import { confirmPayment, type Confirmation, type Payment } from './confirm.client.js';
import { declineText } from './decline.js';
import { mountPaymentElement } from './payment-element.client.js';
import type { Rail } from './rail-choice.js';

export interface PayStepProps {
  payment: Payment;
  rail: Rail;
  amount: string;
  monthly: boolean;
  chargedAtClose: boolean;
  returnUrl: string;
  onDone: (outcome: Exclude<Confirmation, { kind: 'declined' | 'redirect' }>) => void;
}

export function PayStep(props: PayStepProps) {
  const { payment, amount, rail } = props;
  const [card, setCard] = useState({ number: '', expiry: '', code: '' });
  const [account, setAccount] = useState(noAccount);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<{ code: string; message: string; hint: null }[]>([]);
  const element = useRef<Awaited<ReturnType<typeof mountPaymentElement>> | null>(null);
  const slot = useRef<HTMLDivElement>(null);
  const refuse = (message: string) => setErrors([{ code: 'local', message, hint: null }]);
  const debit = rail === 'US_BANK_ACCOUNT' || rail === 'SEPA_DEBIT' ? rail : null;
  const noun = debit ? 'bank account' : 'card';

  useEffect(() => {
    if (payment.apiBase || !slot.current) return;
    const dark = getComputedStyle(document.documentElement).colorScheme.includes('dark');
    mountPaymentElement(slot.current, payment.publishableKey, payment, dark).then(
      (mounted) => {
        element.current = mounted;
      },
      (error: Error) => refuse(error.message),
    );
  }, [payment.clientSecret]);

  const pay = async (event: Event) => {
    event.preventDefault();
    setErrors([]);
    if (!payment.apiBase) {
      setBusy(true);
      const result = await element.current?.confirm(props.returnUrl);
      setBusy(false);
      if (result?.error) return refuse(declineText(result.error));
      return props.onDone(result?.verifyUrl ? { kind: 'verify', url: result.verifyUrl } : { kind: 'paid' });
    }
    const details = debit ? readAccount(debit, account) : readCard(card);
    if (typeof details === 'string') return refuse(details);
    setBusy(true);
    try {
      const result = await confirmPayment(payment, details, props.returnUrl);
      if (result.kind === 'redirect') return location.assign(result.url);
      if (result.kind !== 'declined') return props.onDone(result);
      refuse(result.message);
    } catch {
      refuse('The payment service could not be reached. Nothing was charged; try again.');
    }
    setBusy(false);
  };

  return (
    <form class="form panel" onSubmit={pay} noValidate>
      <h2>{payment.savesMethod ? `Save a ${noun} for ${amount}` : `Pay ${amount} by ${noun}`}</h2>
      {payment.savesMethod && (
        <p class="muted">
          {props.monthly
            ? 'It is charged each month, and you are told a week ahead.'
            : props.chargedAtClose
              ? 'Nothing is charged now. It is charged at the deadline, only if all that is pledged reaches the goal (or is near enough to extend), and given back if too little of it can be collected.'
              : 'The amount is above what one charge can carry, so it is charged in several.'}
        </p>
      )}
      <UserErrors errors={errors} />
      {!payment.apiBase ? (
        <div ref={slot} class="element-slot" />
      ) : debit ? (
        <AccountFields rail={debit} text={account} onChange={setAccount} saves={payment.savesMethod} />
      ) : (
        <CardFields card={card} onChange={setCard} />
      )}
      <p class="actions">
        <button class="button cash" disabled={busy}>
          {busy ? 'One moment…' : payment.savesMethod ? `Save the ${noun}` : `Pay ${amount}`}
        </button>
      </p>
    </form>
  );
}
