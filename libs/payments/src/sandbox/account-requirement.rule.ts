/**
 * What a connected account still has to tell before money can be moved to it and paid out.
 *
 * 1. Requirements are read from what is there: nothing is remembered twice.
 * 2. The account may receive transfers when nothing is due; it may be paid out when it also has a working bank account.
 * 3. An account whose requirements Stripe collects answers them on the onboarding page, all at once.
 */
export interface AccountFacts {
  readonly businessType: string | null;
  readonly productDescription: string | null;
  readonly url: string | null;
  readonly ownerNamed: boolean;
  readonly tosDate: number | null;
  readonly tosIp: string | null;
  /** The onboarding page was completed. */
  readonly onboarded: boolean;
  readonly banks: readonly { readonly status: string }[];
}

export interface AccountVerdict {
  readonly currentlyDue: readonly string[];
  readonly detailsSubmitted: boolean;
  readonly capable: boolean;
  readonly payoutsEnabled: boolean;
  readonly disabledReason: string | null;
}

export function judgeAccount(facts: AccountFacts): AccountVerdict {
  const answers: readonly [string, boolean][] = [
    ['business_profile.url', facts.url !== null || facts.productDescription !== null],
    ['business_type', facts.businessType !== null],
    [facts.businessType === 'individual' ? 'individual.first_name' : 'company.name', facts.ownerNamed],
    ['tos_acceptance.date', facts.tosDate !== null],
    ['tos_acceptance.ip', facts.tosIp !== null],
  ];
  const questions = facts.onboarded ? [] : answers.filter(([, answered]) => !answered).map(([name]) => name);
  const working = facts.banks.some((bank) => bank.status !== 'errored');
  const currentlyDue = [...questions, ...(working ? [] : ['external_account'])].toSorted();
  const capable = questions.length === 0;
  return {
    currentlyDue,
    detailsSubmitted: capable && facts.banks.length > 0,
    capable,
    payoutsEnabled: capable && working,
    disabledReason: currentlyDue.length === 0 ? null : 'requirements.past_due',
  };
}
