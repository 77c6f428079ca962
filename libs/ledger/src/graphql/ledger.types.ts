import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, JsonScalar, NodeInterface } from '#platform';

export enum LedgerLimit {
  NONE = 'none',
  DEBITS_MUST_NOT_EXCEED_CREDITS = 'debits_must_not_exceed_credits',
  CREDITS_MUST_NOT_EXCEED_DEBITS = 'credits_must_not_exceed_debits',
}
registerEnumType(LedgerLimit, {
  name: 'LedgerLimit',
  description: 'Which side of an account may not outgrow the other. The database enforces it, pending amounts counted.',
  valuesMap: {
    NONE: { description: 'The account may stand on either side.' },
    DEBITS_MUST_NOT_EXCEED_CREDITS: { description: 'No more can be taken out by debits than credits brought in.' },
    CREDITS_MUST_NOT_EXCEED_DEBITS: { description: 'No more can be taken out by credits than debits brought in.' },
  },
});

export enum LedgerTransferKind {
  POSTED = 'posted',
  PENDING = 'pending',
  POST_PENDING = 'post_pending',
  VOID_PENDING = 'void_pending',
  EXPIRED = 'expired',
}
registerEnumType(LedgerTransferKind, {
  name: 'LedgerTransferKind',
  description: 'What a transfer does.',
  valuesMap: {
    POSTED: { description: 'Moves the amount at once.' },
    PENDING: { description: 'Holds the amount until it is posted, voided or expires.' },
    POST_PENDING: { description: 'Moves all or part of what a pending transfer holds and releases the rest.' },
    VOID_PENDING: { description: 'Releases what a pending transfer holds.' },
    EXPIRED: { description: 'Writes down that a pending transfer lapsed; it was without effect from its expiry on.' },
  },
});

export enum LedgerTransferState {
  PENDING = 'pending',
  POSTED = 'posted',
  VOIDED = 'voided',
  EXPIRED = 'expired',
}
registerEnumType(LedgerTransferState, {
  name: 'LedgerTransferState',
  description: 'What became of a transfer. Only a pending one changes state, once.',
  valuesMap: {
    PENDING: { description: 'Held, not moved yet.' },
    POSTED: { description: 'Moved; of a pending transfer perhaps in part.' },
    VOIDED: { description: 'Released without being moved.' },
    EXPIRED: { description: 'Released by the passing of its expiry.' },
  },
});

export enum LedgerSide {
  DEBIT = 'debit',
  CREDIT = 'credit',
}
registerEnumType(LedgerSide, {
  name: 'LedgerSide',
  description: 'One of the two accounts of a transfer.',
  valuesMap: {
    DEBIT: { description: 'The account that is debited.' },
    CREDIT: { description: 'The account that is credited.' },
  },
});

@ObjectType({ description: 'The four counters of an account in minor units. None ever falls below zero.' })
export class LedgerBalance {
  @Field(() => BigIntScalar, { description: 'Held on the debit side by pending transfers.' })
  debitsPending: bigint;
  @Field(() => BigIntScalar, { description: 'All that was ever debited.' })
  debitsPosted: bigint;
  @Field(() => BigIntScalar, { description: 'Held on the credit side by pending transfers.' })
  creditsPending: bigint;
  @Field(() => BigIntScalar, { description: 'All that was ever credited.' })
  creditsPosted: bigint;
}

@ObjectType({
  implements: () => [NodeInterface],
  description: 'An account of the public books. It holds one unit and changes only by transfers.',
})
export class LedgerAccount implements NodeInterface {
  /** Database id, for field resolvers. */
  accountId: string;

  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Unique path, for example "campaign:…:escrow:USD".' })
  code: string;
  @Field(() => String, { description: 'What it holds: an ISO 4217 currency or "gpu_second:<class>".' })
  unit: string;
  @Field(() => Int, {
    description: 'Digits of the minor unit: 2 for USD (cents), 3 for GPU-seconds (milliseconds).',
  })
  scale: number;
  @Field(() => LedgerLimit, { description: 'Which side may not outgrow the other.' })
  limit: LedgerLimit;
  @Field(() => DateTimeScalar, { description: 'When the account was opened.' })
  openedAt: Date;
  @Field(() => Boolean, {
    description: 'Whether a pending transfer has closed it. Nothing is booked to a closed account until it is voided.',
  })
  closed: boolean;
  @Field(() => BigIntScalar, { description: 'Held on the debit side by pending transfers, in minor units.' })
  debitsPending: bigint;
  @Field(() => BigIntScalar, { description: 'All that was ever debited, in minor units.' })
  debitsPosted: bigint;
  @Field(() => BigIntScalar, { description: 'Held on the credit side by pending transfers, in minor units.' })
  creditsPending: bigint;
  @Field(() => BigIntScalar, { description: 'All that was ever credited, in minor units.' })
  creditsPosted: bigint;
}

@ObjectType({ description: 'The place of a transfer in the sealed book of its unit. Written within seconds.' })
export class LedgerSeal {
  @Field(() => BigIntScalar, { description: 'Counted from 1 without a gap.' })
  position: bigint;
  @Field(() => String, {
    description: 'SHA-256, hexadecimal, over the seal before and the canonical text of the transfer (ledger-seal/1).',
  })
  hash: string;
}

@ObjectType({
  implements: () => [NodeInterface],
  description: 'An amount of one unit that goes from a debit account to a credit account. Transfers never change.',
})
export class LedgerTransfer implements NodeInterface {
  /** Database ids, for field resolvers. */
  transferId: string;
  debitAccountId: string;
  creditAccountId: string;
  pendingId: string | null;

  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Idempotency key it was posted with; unique for ever.' })
  key: string;
  @Field(() => LedgerTransferKind, { description: 'What it does.' })
  kind: LedgerTransferKind;
  @Field(() => LedgerTransferState, { description: 'What became of it.' })
  state: LedgerTransferState;
  @Field(() => BigIntScalar, { description: 'Amount moved, held or released, in minor units of `unit`.' })
  amount: bigint;
  @Field(() => String, { description: 'ISO 4217 currency or "gpu_second:<class>".' })
  unit: string;
  @Field(() => String, { description: 'Why it was made.' })
  reason: string;
  @Field(() => JsonScalar, { description: 'What it is about: ids by name, pseudonymous.' })
  refs: Record<string, string>;
  @Field(() => DateTimeScalar, { description: 'When it was recorded.' })
  createdAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When a pending transfer lapses by itself.' })
  expiresAt: Date | null;
  @Field(() => LedgerSide, {
    nullable: true,
    description: 'The account that a pending transfer closes for as long as it stands.',
  })
  closes: LedgerSide | null;
  @Field(() => BigIntScalar, {
    description: 'Its place among all transfers. Grows along each account; numbers may be missing.',
  })
  position: bigint;
}

@ObjectType({ description: 'The sums of all accounts of one unit.' })
export class LedgerTrialBalanceLine {
  @Field(() => String, { description: 'The unit.' })
  unit: string;
  @Field(() => Int, { description: 'Digits of its minor unit.' })
  scale: number;
  @Field(() => BigIntScalar, { description: 'How many accounts hold it.' })
  accounts: bigint;
  @Field(() => BigIntScalar, { description: 'All posted debits, in minor units.' })
  debits: bigint;
  @Field(() => BigIntScalar, { description: 'All posted credits, in minor units.' })
  credits: bigint;
  @Field(() => BigIntScalar, { description: 'All pending debits, in minor units.' })
  debitsPending: bigint;
  @Field(() => BigIntScalar, { description: 'All pending credits, in minor units.' })
  creditsPending: bigint;
  @Field(() => LedgerSeal, {
    nullable: true,
    description: 'The newest seal of the unit: it stands for the whole book.',
  })
  seal: LedgerSeal | null;
  @Field(() => Boolean, { description: 'Whether debits equal credits, posted and pending.' })
  balanced: boolean;
}

export const LedgerAccountConnection = Connection(LedgerAccount);
export const LedgerTransferConnection = Connection(LedgerTransfer);
