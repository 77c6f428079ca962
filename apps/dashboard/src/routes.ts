/** Every address of the dashboard, in one table. */
import type { PageContext, Result } from './http/request.js';
import { accountPage } from './pages/account.page.js';
import { reportPage, reportsPage } from './pages/reports.page.js';
import { statusPage } from './pages/status.page.js';
import { campaignsPage } from './pages/campaigns.page.js';
import { campaignPage } from './pages/campaign.page.js';
import { ledgerAccountPage, ledgerPage } from './pages/ledger.page.js';
import { pledgePage } from './pages/pledge.page.js';
import { campaignFormPage } from './pages/campaign-form.page.js';
import { disputesPage } from './pages/disputes.page.js';
import { extensionPage } from './pages/extension.page.js';
import { managePage } from './pages/manage.page.js';
import { matchingFormPage } from './pages/matching-form.page.js';
import { matchingPoolPage } from './pages/matching-pool.page.js';
import { matchingPage } from './pages/matching.page.js';
import { matchingRoundPage } from './pages/matching-round.page.js';
import { givingPage } from './pages/giving.page.js';
import { inboxPage } from './pages/inbox.page.js';
import { moneyPage } from './pages/money.page.js';
import { bankLinesPage } from './pages/bank-lines.page.js';
import { organisePage } from './pages/organise.page.js';
import { datasetFormPage, recipeFormPage } from './pages/recipe-form.page.js';
import { ratesPage } from './pages/rates.page.js';
import { reconciliationCasePage } from './pages/reconciliation-case.page.js';
import { reconciliationPage } from './pages/reconciliation.page.js';
import { nodePage } from './pages/node.page.js';
import { nodesPage } from './pages/nodes.page.js';
import { refundCasesPage } from './pages/refund-cases.page.js';
import { reviewPage } from './pages/review.page.js';
import { termsPage } from './pages/terms.page.js';
import { updatesPage } from './pages/updates.page.js';
import { signInPage, signOutAction } from './pages/sign-in.page.js';
import { webhooksPage } from './pages/webhooks.page.js';
import { runPage, runsPage } from './pages/run.page.js';

type Params = Record<string, string>;
type Load = (context: PageContext, params: Params) => Promise<Result>;

const table: [methods: string, pattern: string, load: Load][] = [
  ['GET', '/', campaignsPage],
  ['GET', '/campaigns/:slug', campaignPage],
  ['GET POST', '/campaigns/:slug/pledge', pledgePage],
  ['GET POST', '/campaigns/:slug/manage', managePage],
  ['GET POST', '/campaigns/:slug/extension', extensionPage],
  ['GET', '/campaigns/:slug/terms', termsPage],
  ['GET', '/campaigns/:slug/terms/:version', termsPage],
  ['GET POST', '/campaigns/:slug/updates', updatesPage],
  ['GET POST', '/campaigns/:slug/money', moneyPage],
  ['GET', '/runs', runsPage],
  ['GET', '/runs/:id', runPage],
  ['GET', '/nodes', nodesPage],
  ['GET POST', '/nodes/:id', nodePage],
  ['GET', '/matching', matchingPage],
  ['GET POST', '/matching/new', matchingFormPage],
  ['GET POST', '/matching/pools/:id', matchingPoolPage],
  ['GET POST', '/matching/:slug', matchingRoundPage],
  ['GET', '/ledger', ledgerPage],
  ['GET', '/ledger/:code', ledgerAccountPage],
  ['GET POST', '/reconciliation', reconciliationPage],
  ['GET POST', '/reconciliation/lines', bankLinesPage],
  ['GET POST', '/reconciliation/cases/:id', reconciliationCasePage],
  ['GET', '/reports', reportsPage],
  ['GET', '/reports-view/:id', reportPage],
  ['GET POST', '/sign-in', signInPage],
  ['GET POST', '/account', accountPage],
  ['GET POST', '/account/giving', givingPage],
  ['GET POST', '/account/inbox', inboxPage],
  ['GET POST', '/organise', organisePage],
  ['GET POST', '/organise/datasets/new', datasetFormPage],
  ['GET POST', '/organise/recipes/new', recipeFormPage],
  ['GET POST', '/organise/campaigns/new', campaignFormPage],
  ['GET POST', '/organise/projects/:id/webhooks', webhooksPage],
  ['GET POST', '/organise/disputes', disputesPage],
  ['GET POST', '/organise/rates', ratesPage],
  ['GET POST', '/organise/refunds', refundCasesPage],
  ['GET POST', '/review', reviewPage],
  ['GET', '/status', statusPage],
  ['POST', '/sign-out', signOutAction],
];

const compiled = table.map(([methods, pattern, load]) => ({
  methods: methods.split(' '),
  keys: [...pattern.matchAll(/:(\w+)/g)].map((match) => match[1] ?? ''),
  expression: new RegExp(`^${pattern.replace(/:\w+/g, '([^/]+)')}/?$`),
  load,
}));

export function findRoute(method: string, path: string): { load: Load; params: Params } | null {
  for (const route of compiled) {
    const match = route.expression.exec(path);
    if (!match || !route.methods.includes(method === 'HEAD' ? 'GET' : method)) continue;
    const params: Params = {};
    route.keys.forEach((key, at) => {
      params[key] = safeDecode(match[at + 1] ?? '');
    });
    return { load: route.load, params };
  }
  return null;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a broken escape is an unknown address, not a failure of ours
  }
}
