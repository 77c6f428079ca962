/**
 * A pledge in money. Step 1 names the amount and makes the pledge; step 2 pays it by card; step 3 waits for the books to say so.
 * The first step is drawn by the server; the card itself needs this script, because a card number must not pass our servers.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { pledgeStateQuery } from '../api/documents.js';
import type { UserError } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { parseDollars } from '../format/parse.js';
import { UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import { confirmCard, declineText, type Payment } from './card.client.js';
import { CardFields, readCard, type CardText } from './card-fields.js';
import { askApi } from './live.client.js';
import { mountPaymentElement } from './payment-element.client.js';
import { BankTransfer, PledgeDone, PledgeFailed, PledgeWaiting, type Transfer } from './pledge-outcome.js';
import { plan, pledgeOnce, resume } from './pledge-requests.client.js';
import { type Rail, RailChoice } from './rail-choice.js';

export interface PledgeCashProps {
  campaignId: string;
  campaignPath: string;
  currency: string;
  /** Cards are saved now and charged when the campaign settles. */
  chargedAtClose: boolean;
  /** The pledge that a bank's page sent the browser back for, and what the bank said. */
  returned: { pledgeId: string; status: string } | null;
  /** A pledge made before that its donor pays now, or gives another card for. */
  resumed: { pledgeId: string; how: 'pay' | 'method' } | null;
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
/** For so long a failure in the books may be an earlier card's: the webhook of the one that paid is on its way. */
const staleFailureMs = 15_000;

type Step = 'amount' | 'card' | 'transfer' | 'waiting' | 'done' | 'failed';

const presets = ['1000', '2500', '5000', '10000'];

export function PledgeCashForm(props: PledgeCashProps) {
  const [step, setStep] = useState<Step>(props.returned ? 'waiting' : 'amount');
  const [preset, setPreset] = useState('2500');
  const [other, setOther] = useState('');
  const [anonymous, setAnonymous] = useState(false);
  const [name, setName] = useState('');
  const [rail, setRail] = useState<Rail>('CARD');
  const [months, setMonths] = useState('');
  const [transfer, setTransfer] = useState<Transfer | null>(null);
  const [saved, setSaved] = useState(false);
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

  useEffect(() => {
    setReady(true);
    if (!props.resumed) return;
    const { pledgeId, how } = props.resumed;
    void resume(pledgeId, how).then(
      (made) => {
        if (!made?.pledge || made.userErrors.length > 0) {
          setErrors(made?.userErrors ?? []);
          return setStep('failed');
        }
        const { payment } = made;
        setPledge({
          id: made.pledge.id,
          amountMinor: made.pledge.amount.amountMinor,
          payment: payment?.clientSecret ? { ...payment, clientSecret: payment.clientSecret } : null,
        });
        setTransfer(made.transfer ?? null);
        setStep(made.transfer ? 'transfer' : payment?.clientSecret ? 'card' : 'waiting');
      },
      (error: Error) => refuse(error.message),
    );
  }, []);

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
      if (found && /^(COLLECTED|PLEDGED|FROZEN|CHARGING)$/i.test(found.state)) {
        setSaved(!/^COLLECTED$/i.test(found.state));
        return setStep('done');
      }
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
    mountPaymentElement(slot.current, pledge.payment.publishableKey, pledge.payment, dark).then(
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
        rail,
        ...(name.trim() && !anonymous ? { displayName: name.trim() } : {}),
      };
      const create = months ? () => plan(input, Number(months)) : () => pledgeOnce(input);
      let made = await create();
      // The pledge stands although the processor was not reached yet: the same key asks for the same pledge again.
      for (let tries = 0; made?.pledge && made.payment && !made.payment.clientSecret && tries < 8; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        made = await create();
      }
      if (!made?.pledge || made.userErrors.length > 0) {
        key.current = '';
        setErrors(made?.userErrors ?? []);
      } else if (made.transfer) {
        setPledge({ id: made.pledge.id, amountMinor, payment: null });
        setTransfer(made.transfer);
        setStep('transfer');
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
      else if (months) {
        // A plan is no pledge yet: its first month follows within the minute.
        setSaved(true);
        setStep('done');
      } else setStep('waiting');
    } catch {
      refuse('The payment service could not be reached. Nothing was charged; try again.');
    }
    setBusy(false);
  };

  const amount = pledge ? money({ amountMinor: pledge.amountMinor, currency: props.currency }) : '';

  if (step === 'done')
    return <PledgeDone amount={amount} path={props.campaignPath} saved={saved} monthly={months !== ''} />;
  if (step === 'transfer' && transfer) return <BankTransfer amount={amount} transfer={transfer} />;
  if (step === 'waiting') return <PledgeWaiting bankSaidNo={props.returned?.status === 'failed'} />;
  if (step === 'failed')
    return (
      <PledgeFailed
        errors={errors}
        again={`${props.campaignPath}/pledge`}
        amount={pledge?.amountMinor === '0' ? '' : amount}
      />
    );
  if (step === 'card' && pledge) {
    return (
      <form class="form panel" onSubmit={pay} noValidate>
        <h2>{pledge.payment?.savesMethod ? `Save a card for ${amount}` : `Pay ${amount} by card`}</h2>
        {pledge.payment?.savesMethod && (
          <p class="muted">
            {months
              ? 'It is charged each month, and you are told a week ahead.'
              : props.chargedAtClose
                ? 'Nothing is charged now. It is charged when the campaign settles, and given back if the goal is missed.'
                : 'The amount is above what one charge can carry, so it is charged in several.'}
          </p>
        )}
        <UserErrors errors={errors} />
        {pledge.payment?.apiBase ? (
          <CardFields card={card} onChange={setCard} />
        ) : (
          <div ref={slot} class="element-slot" />
        )}
        <p class="actions">
          <button class="button cash" disabled={busy}>
            {busy ? 'One moment…' : pledge.payment?.savesMethod ? 'Save the card' : `Pay ${amount}`}
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
      <RailChoice
        amountMinor={amountMinor}
        currency={props.currency}
        chargedAtClose={props.chargedAtClose}
        rail={rail}
        onChange={setRail}
      />
      {rail !== 'BANK_TRANSFER' && (
        <div class="field-row">
          <label for="months">How often?</label>
          <select id="months" value={months} onChange={(event) => setMonths(event.currentTarget.value)}>
            <option value="">Once</option>
            {[3, 6, 12, 24].map((count) => (
              <option key={count} value={String(count)}>
                Monthly, for {count} months
              </option>
            ))}
          </select>
        </div>
      )}
      {!anonymous && (
        <div class="field-row">
          <label for="shown-name">Name to show (optional)</label>
          <input
            id="shown-name"
            maxLength={80}
            autoComplete="off"
            placeholder="Your account’s name"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
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
