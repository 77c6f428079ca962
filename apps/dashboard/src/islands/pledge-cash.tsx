/**
 * A pledge in money. Step 1 names the amount and makes the pledge; step 2 pays it by card, debit or transfer; step 3 waits for
 * the books to say so. The first step is drawn by the server; the others need this script, because a card or account number
 * must not pass our servers.
 */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { pledgeStateQuery } from '../api/documents.js';
import type { UserError } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { countedMinor } from '../format/counted.js';
import { date } from '../format/moment.js';
import { parseMoney } from '../format/parse.js';
import { UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import type { Payment } from './confirm.client.js';
import { declineText } from './decline.js';
import { askApi } from './live.client.js';
import { MatchLive } from './match-live.js';
import type { PayStepProps } from './pay-step.js';
import {
  BankTransfer,
  type Ending,
  PledgeDone,
  PledgeFailed,
  PledgeWaiting,
  type Transfer,
  VerifyAccount,
} from './pledge-outcome.js';
import { plan, pledgeOnce, resume, type How, type PledgeState } from './pledge-requests.client.js';
import { carries, type Rail, RailChoice } from './rail-choice.js';

/** Another currency that a pledge may be in, with what its unit counts for the campaign. */
export interface OtherCurrency {
  code: string;
  rate: string;
  asOf: string;
  source: string;
}
export interface PledgeCashProps {
  campaignId: string;
  campaignPath: string;
  currency: string;
  /** Those with a dated rate to the campaign's. */
  others: OtherCurrency[];
  /** Cards are saved now and charged when the campaign settles. */
  chargedAtClose: boolean;
  /** Whether an open round matches gifts to the campaign. */
  matched: boolean;
  /** The pledge that a bank's page sent the browser back for, and what the bank said. */
  returned: { pledgeId: string; status: string } | null;
  /** A pledge made before that its donor pays now, or gives another card for; or the same of a monthly one. */
  resumed: { pledgeId: string; how: How } | null;
}
interface Pledge {
  id: string;
  amountMinor: string;
  currency: string;
  payment: Payment | null;
}
/** For so long a failure in the books may be an earlier card's: the webhook of the one that paid is on its way. */
const staleFailureMs = 15_000;

type Step = 'amount' | 'pay' | 'verify' | 'transfer' | 'waiting' | 'done' | 'failed';

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
  const [currency, setCurrency] = useState(props.currency);
  const [ending, setEnding] = useState<Ending>('collected');
  const [verifyUrl, setVerifyUrl] = useState('');
  const [PayStep, setPayStep] = useState<ComponentType<PayStepProps> | null>(null);
  const [pledge, setPledge] = useState<Pledge | null>(
    props.returned ? { id: props.returned.pledgeId, amountMinor: '0', currency: props.currency, payment: null } : null,
  );
  const [busy, setBusy] = useState(false);
  const [ready, setReady] = useState(false);
  const [errors, setErrors] = useState<Pick<UserError, 'code' | 'message' | 'hint'>[]>([]);
  const key = useRef('');

  const refuse = (message: string, code = 'local') => setErrors([{ code, message, hint: null }]);
  const amountMinor = preset === 'other' ? parseMoney(other, currency)?.toString() : preset;
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
          ...made.pledge.amount,
          payment: payment?.clientSecret ? { ...payment, clientSecret: payment.clientSecret } : null,
        });
        setRail(made.pledge.rail);
        setTransfer(made.transfer ?? null);
        setStep(made.transfer ? 'transfer' : payment?.clientSecret ? 'pay' : 'waiting');
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
      if (found) {
        setPledge({ ...pledge, ...found.amount });
        setRail(found.rail);
      }
      if (found && /^(COLLECTED|PLEDGED|FROZEN|CHARGING)$/i.test(found.state)) {
        setEnding(
          /^COLLECTED$/i.test(found.state) ? 'collected' : /^CHARGING$/i.test(found.state) ? 'processing' : 'saved',
        );
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
    if (step !== 'pay' || PayStep) return;
    import('./pay-step.js').then(
      (module) => setPayStep(() => module.PayStep),
      () => refuse('This step could not be loaded. Reload the page: your pledge is kept.'),
    );
  }, [step]);

  const begin = async (event: Event) => {
    event.preventDefault();
    if (!amountMinor) return refuse(`Give an amount in ${unit}, such as 25${currency === 'JPY' ? '00' : ' or 12.50'}.`);
    setBusy(true);
    setErrors([]);
    // One key for this intention: a second click or a lost answer makes no second pledge.
    key.current ||= crypto.randomUUID();
    try {
      const input = {
        campaignId: props.campaignId,
        amountMinor,
        currency,
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
        setPledge({ id: made.pledge.id, amountMinor, currency, payment: null });
        setTransfer(made.transfer);
        setStep('transfer');
      } else if (!made.payment) {
        setPledge({ id: made.pledge.id, amountMinor, currency, payment: null });
        setStep('waiting');
      } else if (!made.payment.clientSecret) {
        refuse(
          'The payment service can’t be reached just now. Your pledge is kept: press the button again in a minute.',
        );
      } else {
        setPledge({
          id: made.pledge.id,
          amountMinor,
          currency,
          payment: { ...made.payment, clientSecret: made.payment.clientSecret },
        });
        setStep('pay');
      }
    } catch (error) {
      refuse((error as Error).message);
    }
    setBusy(false);
  };

  const paid: PayStepProps['onDone'] = (outcome) => {
    if (outcome.kind === 'verify') {
      setVerifyUrl(outcome.url);
      setStep('verify');
    } else if (months) {
      // A plan is no pledge yet: its first month follows within the minute.
      setEnding('monthly');
      setStep('done');
    } else if (props.resumed?.how === 'plan') {
      setEnding('changed');
      setStep('done');
    } else setStep('waiting');
  };

  const amount = pledge ? money(pledge) : '';
  const noun = rail === 'CARD' ? 'card' : 'bank account';
  const unit = currency === 'USD' ? 'dollars' : currency;

  if (step === 'done') return <PledgeDone amount={amount} path={props.campaignPath} ending={ending} noun={noun} />;
  if (step === 'verify') return <VerifyAccount amount={amount} url={verifyUrl} />;
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
  if (step === 'pay' && pledge?.payment) {
    return PayStep ? (
      <PayStep
        payment={pledge.payment}
        rail={rail}
        amount={amount}
        monthly={months !== '' || props.resumed?.how === 'plan'}
        chargedAtClose={props.chargedAtClose}
        returnUrl={returnUrl()}
        onDone={paid}
      />
    ) : (
      <div class="form panel" role="status">
        <UserErrors errors={errors} />
        <p class="muted">One moment…</p>
      </div>
    );
  }
  const rate = props.others.find(({ code }) => code === currency);
  const counted = amountMinor && (rate ? countedMinor(amountMinor, currency, props.currency, rate.rate) : amountMinor);
  return (
    <form class="form panel" onSubmit={begin} noValidate>
      <UserErrors errors={errors} />
      {props.others.length > 0 && (
        <div class="field-row">
          <label for="currency">Currency</label>
          <select
            id="currency"
            value={currency}
            onChange={(event) => {
              setCurrency(event.currentTarget.value);
              if (!carries(rail, event.currentTarget.value)) setRail('CARD');
            }}
          >
            {[props.currency, ...props.others.map(({ code }) => code)].map((code) => (
              <option key={code} value={code}>
                {code}
                {code === props.currency && ', as the campaign'}
              </option>
            ))}
          </select>
        </div>
      )}
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
              {money({ amountMinor: value, currency }, 'short')}
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
          <label for="other-amount">Amount in {unit}</label>
          <div class="affix">
            <span aria-hidden="true">{currency === 'USD' ? '$' : currency}</span>
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
      {rate && (
        <p class="fine">
          {counted && `Counts as ${money({ amountMinor: counted, currency: props.currency })}. `}
          By the rate of {date(rate.asOf)} from {rate.source}. It is charged, held and given back in {currency}.
        </p>
      )}
      {props.matched && <MatchLive campaignId={props.campaignId} amountMinor={counted} currency={props.currency} />}
      <RailChoice
        amountMinor={amountMinor}
        currency={currency}
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
