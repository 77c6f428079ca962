import { Field, Int, ObjectType, Query, Resolver } from '@nestjs/graphql';
import type { Clock } from '#kernel';
import { Access, DateTimeScalar, type InvariantCheck, type UnitOfWork } from '#platform';

@ObjectType({ description: 'One figure that an invariant check derived from the tables.' })
export class InvariantFigure {
  @Field(() => String, { description: 'What was counted or summed.' })
  name: string;
  @Field(() => String, { description: 'The figure as text.' })
  value: string;
}

@ObjectType({ description: 'A promise of the platform, checked against the live tables.' })
export class InvariantStatus {
  @Field(() => String, { description: 'Stable name of the check.' })
  name: string;
  @Field(() => Int, { description: 'Number of the promise in the architecture document.' })
  invariant: number;
  @Field(() => String, { description: 'What is promised.' })
  description: string;
  @Field(() => Boolean, { description: 'Whether it holds.' })
  ok: boolean;
  @Field(() => [InvariantFigure], { description: 'The figures behind the verdict.' })
  figures: InvariantFigure[];
  @Field(() => DateTimeScalar, { description: 'When it was checked; answers may be up to a minute old.' })
  checkedAt: Date;
}

const FRESH_MS = 60_000;

/** Runs the checks at most once a minute, whoever asks: they read whole tables. Those who ask meanwhile share the run. */
export class InvariantBoard {
  private run: { at: number; answer: Promise<InvariantStatus[]> } | undefined;

  constructor(
    private readonly uow: Pick<UnitOfWork, 'read'>,
    private readonly clock: Clock,
    private readonly checks: readonly InvariantCheck[],
  ) {}

  statuses(): Promise<InvariantStatus[]> {
    const now = this.clock.now().getTime();
    if (this.run && now - this.run.at < FRESH_MS) return this.run.answer;
    const run = { at: now, answer: this.check() };
    // A run that failed is not an answer to keep.
    run.answer.catch(() => {
      if (this.run === run) this.run = undefined;
    });
    this.run = run;
    return run.answer;
  }

  private async check(): Promise<InvariantStatus[]> {
    const statuses: InvariantStatus[] = [];
    // One after the other, so that the checks take one connection of the pool.
    for (const check of [...this.checks].sort((a, b) => a.invariant - b.invariant)) {
      const { ok, figures = {} } = await this.uow.read((tx) => check.run(tx));
      statuses.push({
        name: check.name,
        invariant: check.invariant,
        description: check.description,
        ok,
        figures: Object.entries(figures).map(([name, value]) => ({ name, value })),
        checkedAt: this.clock.now(),
      });
    }
    return statuses;
  }
}

@Resolver()
export class InvariantsResolver {
  constructor(private readonly board: InvariantBoard) {}

  @Access('public')
  @Query(() => [InvariantStatus], {
    description: "The platform's promises, each checked against the live tables within the last minute.",
  })
  invariants(): Promise<InvariantStatus[]> {
    return this.board.statuses();
  }
}
