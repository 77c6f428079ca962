/** `/campaigns/:slug/terms` and `/campaigns/:slug/terms/:version`: what backers agreed to, each version for good. */
import { campaignTermsQuery } from '../api/campaign.documents.js';
import type { Plan } from '../api/campaign.shapes.js';
import { date, dateTime } from '../format/moment.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { PlanSection, type Planned } from '../parts/plan.js';
import { fundingModels } from '../parts/state.js';
import { whyNothing } from './problem.page.js';

/** The document as it was hashed; amounts are decimal text. */
interface Document {
  title: string;
  summary: string;
  fundingModel: string;
  currency: string;
  deadline: string;
  cashMinimumMinor: string;
  cashOptimumMinor: string | null;
  hardCapMinor: string | null;
  computeGoalMs: string;
  gpuClass: string;
  recipe: { name: string; digest: string };
  stretchGoals: { title: string; unit: string; amount: string }[];
  shortfall: { rule: string; pricePerGpuHourMinor?: string };
  surplus: string;
  budgetLines: { kind: string; amountMinor: string; note: string }[];
  tranches: { title: string; shareBp: number; budgetKind: string; evidence: Plan['tranches'][number]['evidence'] }[];
  approvalsRequired: number;
  approvers: string[];
  extension: Plan['extension'];
  windows: Omit<Plan['windows'], 'reserveDays'> & {
    reserveDays: { card: number; us_bank_account: number; sepa_debit: number; bank_transfer: number };
  };
}
interface Version {
  version: number;
  sha256: string;
  cause: string;
  createdAt: string;
}
interface Answer {
  campaignBySlug: {
    slug: string;
    title: string;
    termsVersion: number;
    terms: (Version & { content: string; document: Document }) | null;
    termsVersions: Version[];
  } | null;
}

const causes: Record<string, string> = {
  live: 'as the campaign went live',
  amended: 'texts or stretch goals changed',
  extended: 'the campaign was extended',
};

export async function termsPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const slug = params.slug ?? '';
  const asked = params.version === undefined ? undefined : Number(params.version);
  const isVersion = asked === undefined || (Number.isSafeInteger(asked) && asked > 0 && asked < 2 ** 31);
  const answer = await context.ask<Answer>(campaignTermsQuery, { slug, version: isVersion ? asked : 0 });
  const campaign = answer.data?.campaignBySlug;
  if (!campaign?.terms) return whyNothing(answer, 'version of these terms');
  const { terms } = campaign;
  const { document } = terms;
  const path = `/campaigns/${encodeURIComponent(slug)}`;
  return page({
    title: `Terms of ${campaign.title}, version ${terms.version}`,
    section: 'campaigns',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/">Campaigns</a>
            <a href={path}>{campaign.title}</a>
          </p>
          <h1>Terms, version {terms.version}</h1>
          <p class="lead">
            What everybody agreed to who pledged from {dateTime(terms.createdAt)} on
            {terms.version < campaign.termsVersion ? ', until the next version' : ''}. It never changes.
          </p>
        </div>
        <section class="stack" aria-labelledby="doc-head">
          <h2 id="doc-head">{document.title}</h2>
          {document.summary && <p>{document.summary}</p>}
          <dl class="facts">
            <div>
              <dt>Funding model</dt>
              <dd>{fundingModels[document.fundingModel.toUpperCase()] ?? document.fundingModel}</dd>
            </div>
            <div>
              <dt>Deadline</dt>
              <dd>{dateTime(document.deadline)}</dd>
            </div>
            <div>
              <dt>Recipe</dt>
              <dd>
                {document.recipe.name}, <code class="hash">{document.recipe.digest}</code>
              </dd>
            </div>
          </dl>
        </section>
        <PlanSection campaign={planned(document)} />
        <div class="panels">
          <section class="stack" aria-labelledby="digest-head">
            <h2 id="digest-head">Its digest</h2>
            <p class="muted">
              SHA-256 of the document below, as canonical JSON (RFC 8785). Whoever keeps it can prove later what was
              agreed.
            </p>
            <p>
              <code class="hash">{terms.sha256}</code>
            </p>
            <details>
              <summary>The document, byte for byte</summary>
              <pre class="document" tabIndex={0}>
                {terms.content}
              </pre>
            </details>
          </section>
          <section class="stack" aria-labelledby="versions-head">
            <h2 id="versions-head">Every version</h2>
            <ul class="rows">
              {campaign.termsVersions.map((one) => (
                <li key={one.version}>
                  <span class="rows-main">
                    {one.version === terms.version ? (
                      <span aria-current="page">Version {one.version}</span>
                    ) : (
                      <a href={`${path}/terms/${one.version}`}>Version {one.version}</a>
                    )}
                  </span>
                  <span class="rows-amount">{date(one.createdAt)}</span>
                  <span class="rows-when">
                    {causes[one.cause] ?? one.cause} · <code>{one.sha256.slice(0, 12)}</code>
                  </span>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    ),
  });
}

/** The document in the shape in which a campaign's own page shows its plan. */
function planned(doc: Document): Planned {
  const cash = (minor: string | null) => (minor === null ? null : { amountMinor: minor, currency: doc.currency });
  const { reserveDays, ...windows } = doc.windows;
  const plan: Plan = {
    cashOptimum: cash(doc.cashOptimumMinor),
    hardCap: cash(doc.hardCapMinor),
    stretchGoals: doc.stretchGoals.map((goal, at) => ({
      ...goal,
      unit: goal.unit.toUpperCase(),
      number: at + 1,
      reachedAt: null,
    })),
    coverPricePerGpuHour: cash(doc.shortfall.pricePerGpuHourMinor ?? null),
    surplus: doc.surplus.toUpperCase(),
    budgetLines: doc.budgetLines.map((line) => ({
      kind: line.kind,
      note: line.note,
      amount: { amountMinor: line.amountMinor, currency: doc.currency },
    })),
    tranches: doc.tranches.map((tranche, at) => ({ ...tranche, number: at + 1 })),
    approvalsRequired: doc.approvalsRequired,
    approvers: doc.approvers,
    extension: doc.extension,
    windows: {
      ...windows,
      reserveDays: {
        card: reserveDays.card,
        usBankAccount: reserveDays.us_bank_account,
        sepaDebit: reserveDays.sepa_debit,
        bankTransfer: reserveDays.bank_transfer,
      },
    },
  };
  return {
    plan,
    fundingModel: doc.fundingModel.toUpperCase(),
    cashGoal: { amountMinor: doc.cashMinimumMinor, currency: doc.currency },
    computeGoal: { milliseconds: doc.computeGoalMs, class: doc.gpuClass },
    deadline: doc.deadline,
  };
}
