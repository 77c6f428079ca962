/** What somebody may do with a campaign as it stands. The API decides; this keeps pages from offering what it refuses. */
export interface Standing {
  state: string;
  /** Roles in the campaign's project. */
  roles: readonly string[];
  platformRoles: readonly string[];
}
export type Power =
  | 'edit'
  | 'submit'
  | 'revise'
  | 'amend'
  | 'tell'
  | 'review'
  | 'offers'
  | 'start'
  | 'suspend'
  | 'resume'
  | 'refund'
  | 'publish'
  | 'account'
  | 'cancel';

const writing = ['owner', 'maintainer'];
/** From the first pledge on there is money to account for; from its training on, a run to report on. */
const FUNDED = [
  'LIVE',
  'SETTLING',
  'EXTENDED',
  'SUSPENDED',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'REFUNDING',
  'REFUNDED',
];
const RUN = ['TRAINING', 'COMPLETED', 'CLOSED'];
const table: Record<Power, { states: readonly string[]; roles: readonly string[]; operator?: boolean }> = {
  edit: { states: ['DRAFT'], roles: writing },
  submit: { states: ['DRAFT'], roles: writing },
  revise: { states: ['REJECTED'], roles: writing },
  amend: { states: ['LIVE', 'EXTENDED', 'SUCCEEDED', 'TRAINING'], roles: writing },
  tell: {
    states: [
      'LIVE',
      'SETTLING',
      'EXTENDED',
      'SUSPENDED',
      'SUCCEEDED',
      'FAILED',
      'TRAINING',
      'COMPLETED',
      'CLOSED',
      'REFUNDING',
      'REFUNDED',
    ],
    roles: writing,
  },
  review: { states: ['IN_REVIEW'], roles: ['reviewer'], operator: true },
  offers: { states: ['LIVE', 'EXTENDED', 'SUCCEEDED', 'TRAINING'], roles: writing },
  start: { states: ['SUCCEEDED'], roles: writing },
  suspend: { states: ['LIVE', 'SETTLING', 'EXTENDED', 'SUCCEEDED'], roles: [], operator: true },
  resume: { states: ['SUSPENDED'], roles: [], operator: true },
  refund: {
    states: ['LIVE', 'SUSPENDED', 'SUCCEEDED', 'TRAINING', 'COMPLETED', 'FAILED', 'CANCELLED'],
    roles: ['owner', 'treasurer'],
  },
  publish: { states: RUN, roles: ['owner', 'maintainer', 'auditor'], operator: true },
  account: { states: [...FUNDED, ...RUN], roles: ['owner', 'treasurer', 'auditor'], operator: true },
  cancel: {
    states: ['DRAFT', 'IN_REVIEW', 'REJECTED', 'LIVE', 'SUSPENDED', 'SUCCEEDED'],
    roles: ['owner'],
    operator: true,
  },
};

export function may(power: Power, { state, roles, platformRoles }: Standing): boolean {
  const rule = table[power];
  if (!rule.states.includes(state)) return false;
  return (
    rule.roles.some((role) => roles.includes(role)) || (rule.operator === true && platformRoles.includes('operator'))
  );
}

/** Whether the page of keepers has anything for this person. */
export const keeps = (roles: readonly string[], platformRoles: readonly string[]): boolean =>
  roles.length > 0 || platformRoles.includes('operator');
