/** Who plays in the main job, and what each does. All of it is made up; all of it goes through the public API. */

export const ORGANISER = { name: 'Ada Okafor', email: 'ada@demo.invalid' };
export const OPERATOR = { name: 'Noor Haddad', email: 'noor@demo.invalid' };

export const CAMPAIGN_TITLE = 'Ishmael: a small open language model, trained by all of us';

const FIRST_NAMES =
  'Mei Tomás Priya Lars Amara Jonas Yuki Fatima Diego Ingrid Kwame Sofia Arjun Leila Mateo Hana Olek Zuri Bruno Nadia Samir Elif Viktor Rosa Chidi'.split(
    ' ',
  );

/** How a backer's card behaves, by Stripe's documented test numbers. */
export type CardKind = 'visa' | 'declined' | 'insufficient funds' | '3-D Secure' | 'disputed later';

export const CARD_NUMBERS: Record<CardKind, string> = {
  visa: '4242424242424242',
  declined: '4000000000000002',
  'insufficient funds': '4000000000009995',
  '3-D Secure': '4000002760003184',
  'disputed later': '4000000000000259',
};

export interface Backer {
  readonly name: string;
  readonly email: string;
  readonly card: CardKind;
  /** USD cents. */
  readonly amountMinor: bigint;
}

const ODD_CARDS: Record<number, CardKind> = {
  6: 'declined',
  11: '3-D Secure',
  15: 'insufficient funds',
  19: 'disputed later',
};

/** 25 backers: two are declined, one has to pass 3-D Secure, one disputes his charge later. */
export const BACKERS: readonly Backer[] = FIRST_NAMES.map((name, index) => ({
  name,
  email: `${index + 1}@backers.demo.invalid`,
  card: ODD_CARDS[index] ?? 'visa',
  amountMinor: 1000n + BigInt((index * 731) % 40) * 100n,
}));

export interface Donor {
  readonly name: string;
  readonly email: string;
  readonly node: string;
  readonly region: string;
  /** Milliseconds of one CPU worker. */
  readonly milliseconds: bigint;
}

export const DONORS: readonly Donor[] = [
  {
    name: 'Université de Lumière',
    email: 'lab@donors.demo.invalid',
    node: 'lumiere-1',
    region: 'eu-west',
    milliseconds: 700_000n,
  },
  {
    name: 'Pequod Cooperative',
    email: 'coop@donors.demo.invalid',
    node: 'pequod-7',
    region: 'us-east',
    milliseconds: 700_000n,
  },
  {
    name: 'Kenji Watanabe',
    email: 'kenji@donors.demo.invalid',
    node: 'kenji-attic',
    region: 'ap-northeast',
    milliseconds: 600_000n,
  },
];
