/** What the pages of a campaign ask about its terms, its settlement and its updates. */
import { campaignPlan } from './plan.fragment.js';

const money = '{ amountMinor currency }';
const time = '{ milliseconds class }';
const errors = 'userErrors { code message detail hint path }';

const update = `id number audience publishedAt version title paragraphs correction writtenAt
  versions { version title paragraphs correction writtenAt }`;

/** What stands beside the living part of a campaign's page. */
export const campaignRecordQuery = `query CampaignRecord($slug: String!) {
  campaignBySlug(slug: $slug) {
    id fundingModel termsVersion settlementEndsAt suspendedFrom extendedAt safetyEndsAt disbursedAt endedAs failReason
    decisionReason ${campaignPlan} terms { sha256 createdAt } viewer { backs consents }
    settlements { round cause frozenAt promised ${money} collected ${money} judgedAt verdict judgedCash ${money} judgedCompute ${time} }
    updates(first: 3) { edges { node { ${update} } } pageInfo { hasNextPage } }
  }
}`;

export const campaignTermsQuery = `query CampaignTerms($slug: String!, $version: Int) {
  campaignBySlug(slug: $slug) {
    slug title termsVersion terms(version: $version) { version sha256 content document cause createdAt }
    termsVersions { version sha256 cause createdAt }
  }
}`;

export const campaignUpdatesQuery = `query CampaignUpdates($slug: String!, $first: Int!, $after: String) {
  campaignBySlug(slug: $slug) {
    id slug title state project { name viewerRoles } viewer { backs }
    updates(first: $first, after: $after) { edges { node { ${update} } } pageInfo { hasNextPage endCursor } }
  }
}`;

export const campaignExtensionQuery = `query CampaignExtension($slug: String!) {
  campaignBySlug(slug: $slug) {
    id slug title state deadline cashGoal ${money} progress { cashCaptured ${money} cashRefunded ${money} cashDisputed ${money} }
    viewer { backs consents }
  }
}`;

export const campaignExtensionConsent = `mutation ExtensionConsent($input: CampaignExtensionConsentInput!) {
  campaignExtensionConsent(input: $input) { campaign { id viewer { consents } } ${errors} }
}`;
export const campaignUpdatePublish = `mutation UpdatePublish($input: CampaignUpdatePublishInput!) {
  campaignUpdatePublish(input: $input) { update { id number } ${errors} }
}`;
export const campaignUpdateCorrect = `mutation UpdateCorrect($input: CampaignUpdateCorrectInput!) {
  campaignUpdateCorrect(input: $input) { update { id number version } ${errors} }
}`;
export const campaignAmend = `mutation CampaignAmend($input: CampaignAmendInput!) {
  campaignAmend(input: $input) { campaign { id state } ${errors} }
}`;
export const campaignRevise = `mutation CampaignRevise($input: CampaignStepInput!) {
  campaignRevise(input: $input) { campaign { id state } ${errors} }
}`;
