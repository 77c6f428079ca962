/**
 * A pledge in money. Step 1 names the amount and makes the pledge; step 2 pays it by card; step 3 waits for the books to say so.
 * The first step is drawn by the server; the card itself needs this script, because a card number must not pass our servers.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { pledgeCashCreate, pledgeStateQuery } from '../api/documents.js';
import type { UserError } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { parseDollars } from '../format/parse.js';
import { UserErrors } from '../parts/form.js';
import { Icon } from '../parts/mark.js';
import { Notice } from '../parts/notice.js';
import { confirmCard, declineText, type Payment } from './card.client.js';
import { CardFields, readCard, type CardText } from './card-fields.js';
import { askApi } from './live.client.js';
import { mountPaymentElement } from './payment-element.client.js';

export interface PledgeCashProps {
  campaignId: string;
  campaignPath: string;
  currency: string;
  /** The pledge that a bank's page sent the browser back for, and what the bank said. */
  returned: { pledgeId: string; status: string } | null;
}
interface Pledge {
  id: string;
  amountMinor: string;
  payment: Payment | null;
}
interface PledgeState {
  state: string;
  failureCode: string | null;
  amount: { amountMinor: string };
}
interface Made {
  pledge: { id: string } | null;
  payment: (Omit<Payment, 'clientSecret'> & { clientSecret: string | null }) | null;
  userErrors: UserError[];
}

/** For so long a failure in the books may be an earlier card's: the webhook of the one that paid is on its way. */
const staleFailureMs = 15_000;

type Step = 'amount' | 'card' | 'waiting' | 'captured' | 'failed';

const presets = ['1000', '2500', '5000', '10000'];

export function PledgeCashForm(props: PledgeCashProps) {
  const [step, setStep] = useState<Step>(props.returned ? 'waiting' : 'amount');
  const [preset, setPreset] = useState('2500');
  const [other, setOther] = useState('');
  const [anonymous, setAnonymous] = useState(false);
  const [pledge, setPledge] = useState<Pledge | null>(
    props.returned ? { id: props.returned.pledgeId, amountMinor: '0', payment: null } : null,
  );
  const [card, setCard] = useState<CardText>({ number: '', expiry: '', code: '' });
  const [busy, setBusy] = useState(false);
  const [ready, setReady] = useState(false);
  const [errors, setErrors] = useState<Pick<UserError, 'code' | 'message' | 'hint'>[]>([]);
  const key = useRef('');
  const element = useRef<Awaited<ReturnType<typeof mountPaymentElement>> | null>(null);
  const slot = useRef<HTMLDivElement>(null);

  const refuse = (message: string, code = 'local') => setErrors([{ code, message, hint: null }]);
  const amountMinor = preset === 'other' ? parseDollars(other)?.toString() : preset;
  const returnUrl = () =>
    `${location.origin}${props.campaignPath}/pledge?pledge=${encodeURIComponent(pledge?.id ?? '')}`;

  useEffect(() => setReady(true), []);

  // The bank sent the browser back, or the card went through: the books say when the pledge is captured.
  useEffect(() => {
    if (step !== 'waiting' || !pledge) return;
    let stopped = false;
    let tries = 0;
    const paid = props.returned ? props.returned.status === 'succeeded' : true;
    const begun = Date.now();
    const look = async () => {
      if (stopped) return;
      const answer = await askApi<{ node: PledgeState | null }>(pledgeStateQuery, { id: pledge.id }).catch(() => null);
      const found = answer?.node;
      if (stopped) return;
      if (found) setPledge({ ...pledge, amountMinor: found.amount.amountMinor });
      if (found && /^COLLECTED$/i.test(found.state)) return setStep('captured');
      const failed = found && /^(ERRORED|CANCELLED)$/i.test(found.state);
      if (failed && (!paid || Date.now() - begun > staleFailureMs)) {
        refuse(declineText({ code: found.failureCode ?? '' }));
        return setStep('failed');
      }
      tries += 1;
      setTimeout(look, tries < 20 ? 500 : 3000);
    };
    void look();
    return () => {
      stopped = true;
    };
  }, [step, pledge?.id]);

  useEffect(() => {
    if (step !== 'card' || !pledge?.payment || pledge.payment.apiBase || !slot.current) return;
    const dark = getComputedStyle(document.documentElement).colorScheme.includes('dark');
    mountPaymentElement(slot.current, pledge.payment.publishableKey, pledge.payment.clientSecret, dark).then(
      (mounted) => {
        element.current = mounted;
      },
      (error: Error) => refuse(error.message),
    );
  }, [step, pledge?.id]);

  const begin = async (event: Event) => {
    event.preventDefault();
    if (!amountMinor) return refuse('Give an amount in dollars, such as 25 or 12.50.');
    setBusy(true);
    setErrors([]);
    // One key for this intention: a second click or a lost answer makes no second pledge.
    key.current ||= crypto.randomUUID();
    try {
      const input = {
        campaignId: props.campaignId,
        amountMinor,
        currency: props.currency,
        idempotencyKey: key.current,
        anonymous,
      };
      const create = async () =>
        (await askApi<{ pledgeCashCreate: Made | null }>(pledgeCashCreate, { input })).pledgeCashCreate;
      let made = await create();
      // The pledge stands although the processor was not reached yet: the same key asks for the same pledge again.
      for (let tries = 0; made?.pledge && made.payment && !made.payment.clientSecret && tries < 8; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        made = await create();
      }
      if (!made?.pledge || made.userErrors.length > 0) {
        key.current = '';
        setErrors(made?.userErrors ?? []);
      } else if (!made.payment) {
        setPledge({ id: made.pledge.id, amountMinor, payment: null });
        setStep('waiting');
      } else if (!made.payment.clientSecret) {
        refuse(
          'The payment service can’t be reached just now. Your pledge is kept: press the button again in a minute.',
        );
      } else {
        setPledge({
          id: made.pledge.id,
          amountMinor,
          payment: { ...made.payment, clientSecret: made.payment.clientSecret },
        });
        setStep('card');
      }
    } catch (error) {
      refuse((error as Error).message);
    }
    setBusy(false);
  };

  const pay = async (event: Event) => {
    event.preventDefault();
    if (!pledge?.payment) return;
    setErrors([]);
    if (!pledge.payment.apiBase) {
      setBusy(true);
      const result = await element.current?.confirm(returnUrl());
      setBusy(false);
      if (result?.error) return refuse(declineText(result.error));
      return setStep('waiting');
    }
    const details = readCard(card);
    if ('problem' in details) return refuse(details.problem);
    setBusy(true);
    try {
      const result = await confirmCard(pledge.payment, details, returnUrl());
      if (result.kind === 'redirect') return location.assign(result.url);
      if (result.kind === 'declined') refuse(result.message);
      else setStep('waiting');
    } catch {
      refuse('The payment service could not be reached. Nothing was charged; try again.');
    }
    setBusy(false);
  };

  const amount = pledge ? money({ amountMinor: pledge.amountMinor, currency: props.currency }) : '';

  if (step === 'captured') {
    return (
      <div class="panel done" role="status">
        <span class="done-mark">
          <Icon name="check" size={26} />
        </span>
        <h2>Thank you. {amount} is in the campaign’s escrow.</h2>
        <p class="muted">
          The charge, the booking and the public record were written together. You can ask for it back from your
          account.
        </p>
        <p class="actions">
          <a class="button" href={props.campaignPath}>
            See the campaign
          </a>
          <a class="button quiet" href="/account">
            My pledges
          </a>
        </p>
      </div>
    );
  }
  if (step === 'waiting') {
    return (
      <div class="panel done" role="status">
        <h2>Waiting for the booking…</h2>
        <p class="muted">
          {props.returned?.status === 'failed'
            ? 'The bank says that the confirmation failed. Looking at what was recorded.'
            : 'The payment is on its way. This usually takes a second; you can leave this page.'}
        </p>
      </div>
    );
  }
  if (step === 'failed') {
    return (
      <div class="form panel">
        <UserErrors errors={errors} />
        <p>Nothing was charged{pledge && pledge.amountMinor !== '0' ? ` of the ${amount}` : ''}.</p>
        <p class="actions">
          <a class="button cash" href={`${props.campaignPath}/pledge`}>
            Begin again
          </a>
        </p>
      </div>
    );
  }
  if (step === 'card' && pledge) {
    return (
      <form class="form panel" onSubmit={pay} noValidate>
        <h2>Pay {amount} by card</h2>
        <UserErrors errors={errors} />
        {pledge.payment?.apiBase ? (
          <CardFields card={card} onChange={setCard} />
        ) : (
          <div ref={slot} class="element-slot" />
        )}
        <p class="actions">
          <button class="button cash" disabled={busy}>
            {busy ? 'One moment…' : `Pay ${amount}`}
          </button>
        </p>
      </form>
    );
  }
  return (
    <form class="form panel" onSubmit={begin} noValidate>
      <UserErrors errors={errors} />
      <fieldset>
        <legend>How much?</legend>
        <div class="choices">
          {presets.map((value) => (
            <label key={value}>
              <input
                type="radio"
                name="preset"
                value={value}
                checked={preset === value}
                onChange={() => setPreset(value)}
              />
              {money({ amountMinor: value, currency: props.currency }, 'short')}
            </label>
          ))}
          <label>
            <input
              type="radio"
              name="preset"
              value="other"
              checked={preset === 'other'}
              onChange={() => setPreset('other')}
            />
            Other
          </label>
        </div>
      </fieldset>
      {preset === 'other' && (
        <div class="field-row">
          <label for="other-amount">Amount in dollars</label>
          <div class="affix">
            <span aria-hidden="true">$</span>
            <input
              id="other-amount"
              inputMode="decimal"
              autoComplete="off"
              placeholder="12.50"
              value={other}
              onInput={(event) => setOther(event.currentTarget.value)}
            />
          </div>
        </div>
      )}
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
          {busy ? 'One moment…' : 'Go on to payment'}
        </button>
      </p>
      {!ready && (
        <noscript>
          <Notice tone="warn" title="Paying by card needs JavaScript">
            A card number goes from your browser straight to the payment service and never through our servers. That
            takes a script.
          </Notice>
        </noscript>
      )}
    </form>
  );
}
