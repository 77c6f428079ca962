/** `/campaigns/:slug/money`: where a campaign's money stands and how it leaves, for everybody; steps for those who may. */
import { moneyQuery } from '../api/disbursement.documents.js';
import type { CashLine, Disbursement, Tranche } from '../api/disbursement.shapes.js';
import type { UserError } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { dateTime, plural } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { ExchangeForm, type ExchangeOffer } from '../parts/exchange-form.js';
import { Field, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { Reserve } from '../parts/reserve.js';
import { State } from '../parts/state.js';
import { StepButton, StepPanel } from '../parts/step-form.js';
import { TrancheRecord } from '../parts/tranche.js';
import { takeMoneyStep, stepDone } from './money.steps.js';
import { whyNothing } from './problem.page.js';

interface Answer {
  viewer: { platformRoles: string[]; contributor: { pseudonym: string } } | null;
  campaignBySlug: {
    id: string;
    slug: string;
    title: string;
    state: string;
    project: { name: string; viewerRoles: string[] } | null;
    disbursement: Disbursement | null;
  } | null;
}

/** What the viewer may do here. The API decides; this keeps the page from offering what it refuses. */
interface Powers {
  submits: boolean;
  judges: boolean;
  pays: boolean;
  operates: boolean;
  votes: boolean;
  pseudonym: string | undefined;
}

export async function moneyPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const slug = params.slug ?? '';
  const path = `/campaigns/${encodeURIComponent(slug)}/money`;
  const answer = await context.ask<Answer>(moneyQuery, { slug });
  const campaign = answer.data?.campaignBySlug;
  if (!campaign) return whyNothing(answer, 'campaign');
  if (context.method === 'POST' && !context.signedIn) return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  const step = context.form.get('do') ?? '';
  const taken = context.method === 'POST' ? await takeMoneyStep(context, campaign.id) : { errors: [] };
  if (context.method === 'POST' && taken.errors.length === 0 && !taken.offer && !taken.location)
    return redirect(`${path}?done=${encodeURIComponent(step)}`);
  const plan = campaign.disbursement;
  const roles = new Set(campaign.project?.viewerRoles ?? []);
  const has = (...names: string[]) => roles.has('owner') || names.some((name) => roles.has(name));
  const powers: Powers = {
    submits: has('maintainer', 'treasurer'),
    judges: has('reviewer', 'treasurer'),
    pays: has('treasurer'),
    operates: answer.data?.viewer?.platformRoles.includes('operator') === true,
    votes: plan?.viewerMayVote === true,
    pseudonym: answer.data?.viewer?.contributor.pseudonym,
  };
  const said = stepDone[context.url.searchParams.get('done') ?? ''];
  const typed = (name: string) => context.form.get(name) ?? '';
  const about = {
    path,
    errors: taken.errors,
    step,
    id: typed('id'),
    typed,
    offer: taken.offer ?? null,
    onboarding: taken.location ?? null,
  };
  return page({
    title: `Money of ${campaign.title}`,
    section: 'campaigns',
    status: taken.errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    islands: powers.submits ? ['evidence-upload'] : [],
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/">Campaigns</a>
            <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>{campaign.title}</a>
          </p>
          <h1>Where the money stands</h1>
          <p class="actions">
            <State of={campaign.state} />
            {plan && <span class="muted">{plural(plan.approvalsRequired, 'approval')} for each tranche</span>}
            <a href="/reconciliation">How it is compared with the bank</a>
          </p>
        </div>
        {said && taken.errors.length === 0 && <Notice tone="good" title={said} live />}
        {!step.startsWith('exchange') && <UserErrors errors={taken.errors} />}
        {plan === null ? (
          <Empty title="Nothing leaves yet">
            When the campaign has succeeded, its money leaves in tranches: each with its evidence and its approvals.
          </Empty>
        ) : (
          <Plan plan={plan} powers={powers} about={about} now={context.now} />
        )}
      </div>
    ),
  });
}

interface About {
  path: string;
  errors: UserError[];
  step: string;
  id: string;
  typed: (name: string) => string;
  offer: ExchangeOffer | null;
  /** Where the payment service asks for the rest of what it needs to know of the account. */
  onboarding: string | null;
}

function Plan({ plan, powers, about, now }: { plan: Disbursement; powers: Powers; about: About; now: number }) {
  const window = plan.safetyWindowEndsAt;
  return (
    <>
      {window && Date.parse(window) > now && (
        <Notice tone="info" title="Nothing leaves before the safety window is over">
          It ends {dateTime(window)}. Until then backers can still be refunded in full.
        </Notice>
      )}
      {plan.cash.map((cash) => (
        <CashTiles key={cash.net.currency} cash={cash} />
      ))}
      <Account plan={plan} powers={powers} about={about} />
      {powers.pays && (
        <ExchangeForm
          {...about}
          into={plan.currency}
          cash={plan.cash}
          errors={about.step.startsWith('exchange') ? about.errors : []}
        />
      )}
      <section class="stack">
        <h2>Tranches</h2>
        <div class="panels">
          {plan.tranches.map((tranche) => (
            <article class="panel" key={tranche.id}>
              <TrancheRecord tranche={tranche} required={plan.approvalsRequired} now={now} />
              <Steps tranche={tranche} powers={powers} about={about} />
            </article>
          ))}
        </div>
      </section>
      {plan.reserves.map((reserve) => (
        <Reserve key={reserve.currency} reserve={reserve} />
      ))}
    </>
  );
}

function CashTiles({ cash }: { cash: CashLine }) {
  const tiles = [
    ['In escrow', cash.escrow],
    ['Held back for disputes', cash.reserve],
    ['On its way', cash.onItsWay],
    ['Paid out', cash.released],
    // Borne when the first tranche is shared out, so that nothing is taken of money that may still go back.
    ['Fees taken so far', cash.fees],
    ['All of it, less those fees', cash.net],
  ] as const;
  return (
    <dl class="tiles">
      {tiles.map(([title, amount]) => (
        <div class="tile" key={title}>
          <dt>{title}</dt>
          <dd>{money(amount)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Account({ plan, powers, about }: { plan: Disbursement; powers: Powers; about: About }) {
  const account = plan.payoutAccount;
  if (!powers.pays) {
    return account?.status === 'ENABLED' ? null : (
      <p class="muted">The project has not connected an account that can receive money.</p>
    );
  }
  return (
    <section class="panel stack">
      <div class="panel-head">
        <h2>Payout account</h2>
        {account && <State of={account.status} />}
      </div>
      <p class="muted">
        {account?.status === 'ENABLED'
          ? 'It can receive money.'
          : 'The payment processor asks who receives the money. Whoever connects the account approves none of its payouts.'}
        {account &&
          account.requirementsDue > 0 &&
          ` It still asks for ${plural(account.requirementsDue, 'particular')}.`}
      </p>
      {/* A link and no redirect: the policy of our pages lets a form lead nowhere but here. */}
      {about.onboarding && (
        <Notice tone="info" title="One step is left, at the payment service" live>
          <p>It asks who you are and where the money goes, and brings you back here.</p>
          <p class="actions follows">
            <a class="button" href={about.onboarding} rel="noreferrer">
              Go on at the payment service
            </a>
          </p>
        </Notice>
      )}
      {account?.status !== 'ENABLED' && !about.onboarding && (
        <form method="post" action={about.path} class="form">
          <input type="hidden" name="do" value="connect" />
          <Field label="Country of the bank account" hint="Two letters, for example US or DE." errors={about.errors}>
            <input name="country" required maxLength={2} value={account?.country ?? about.typed('country')} />
          </Field>
          <p class="actions">
            <button class="button">{account ? 'Go on with the account' : 'Connect an account'}</button>
          </p>
        </form>
      )}
      {account && <StepButton action={about.path} step="refresh" label="Look again" about="payout account" />}
    </section>
  );
}

function Steps({ tranche, powers, about }: { tranche: Tranche; powers: Powers; about: About }) {
  const { id, state } = tranche;
  const mine = (step: string) => (about.step === step && about.id === id ? about.errors : []);
  const panel = (step: string) => ({
    action: about.path,
    step,
    id,
    errors: mine(step),
    typed: mine(step).length > 0 ? about.typed('reason') : '',
  });
  const evidence = tranche.evidence.at(-1);
  const judged = evidence?.approvals.some(({ approver }) => approver === powers.pseudonym) === true;
  const isOpen = state === 'EVIDENCE_SUBMITTED' && evidence?.outcome === 'OPEN';
  const mayJudge = powers.judges && isOpen && !judged && evidence?.submittedBy !== powers.pseudonym;
  return (
    <div class="stack">
      {powers.submits && state === 'PLANNED' && tranche.evidenceKind !== 'NONE' && (
        <EvidenceForm tranche={tranche} about={about} errors={mine('evidence')} />
      )}
      {powers.votes && state === 'EVIDENCE_SUBMITTED' && evidence?.outcome === 'VOTING' && (
        <VoteForm id={id} about={about} />
      )}
      {mayJudge && (
        <>
          <StepPanel {...panel('approve')} title="Approve" label="Approve" reason="Why">
            Your approval and its reason are public, under your pseudonym.
          </StepPanel>
          <StepPanel {...panel('reject')} title="Send back" label="Send back" tone="quiet" reason="What is missing">
            The tranche waits for better evidence.
          </StepPanel>
        </>
      )}
      {powers.operates && (state === 'APPROVED' || state === 'RESERVED') && (
        <StepPanel {...panel('hold')} title="Hold" label="Hold" tone="quiet" reason="Why">
          No money leaves until the hold is lifted.
        </StepPanel>
      )}
      {powers.operates && state === 'HELD' && (
        <StepPanel {...panel('lift')} title="Lift the hold" label="Lift the hold" reason="Why">
          The tranche goes on where it was.
        </StepPanel>
      )}
      {powers.operates && /^(PLANNED|EVIDENCE_SUBMITTED|APPROVED|HELD|FAILED)$/.test(state) && (
        <StepPanel {...panel('cancel')} title="Give up" label="Give up" tone="danger" reason="Why">
          For good: its money stays for the backers.
        </StepPanel>
      )}
      {state === 'FAILED' && (powers.pays || powers.operates) && (
        <StepButton action={about.path} step="retry" label="Try again" about={tranche.title} id={id} />
      )}
    </div>
  );
}

function EvidenceForm({ tranche, about, errors }: { tranche: Tranche; about: About; errors: UserError[] }) {
  const typed = (name: string) => (errors.length > 0 ? about.typed(name) : '');
  const field = (name: string) => `${name}-${tranche.number}`;
  return (
    <form method="post" action={about.path} class="form">
      <h4>Submit evidence</h4>
      <UserErrors errors={errors} fields={['report', 'value', 'checkpointId', 'files']} />
      <input type="hidden" name="do" value="evidence" />
      <input type="hidden" name="id" value={tranche.id} />
      {tranche.evidenceKind === 'CHECKPOINT' && (
        <Field label="Id of the checkpoint" id={field('checkpointId')} errors={errors}>
          <input name="checkpointId" required autoComplete="off" value={typed('checkpointId')} />
        </Field>
      )}
      {tranche.evidenceKind === 'EVALUATION' && (
        <Field
          label={`Value of ${String(tranche.evidenceTerms.metric ?? 'the metric')}`}
          id={field('value')}
          errors={errors}
        >
          <input name="value" required inputMode="decimal" autoComplete="off" value={typed('value')} />
        </Field>
      )}
      <Field
        label={tranche.evidenceKind === 'VOTE' ? 'What the backers vote on' : 'Report'}
        id={field('report')}
        errors={errors}
      >
        <textarea name="report" rows={5} maxLength={20000} required={tranche.evidenceKind === 'MILESTONE_REPORT'}>
          {typed('report')}
        </textarea>
      </Field>
      <div class="field-row" data-evidence-upload hidden>
        <label for={field('upload')}>Add files</label>
        <input type="file" id={field('upload')} multiple />
        <p class="hint" role="status">
          At most 25 MiB each. They are stored under the digest of their bytes.
        </p>
      </div>
      <Field
        label="Files"
        id={field('files')}
        hint="One a line, as sha256sum prints them; chosen files are written here. Without scripts: upload by PUT to /evidence/files/<sha256> first."
        errors={errors}
      >
        <textarea name="files" rows={2}>
          {typed('files')}
        </textarea>
      </Field>
      <p class="actions">
        <button class="button">Submit</button>
      </p>
    </form>
  );
}

function VoteForm({ id, about }: { id: string; about: About }) {
  return (
    <form method="post" action={about.path} class="form">
      <input type="hidden" name="do" value="vote" />
      <input type="hidden" name="id" value={id} />
      <p class="muted">One backer, one vote. It stands.</p>
      <p class="actions">
        <button class="button" name="vote" value="yes">
          Let the money go
        </button>
        <button class="button quiet" name="vote" value="no">
          Not yet
        </button>
      </p>
    </form>
  );
}
