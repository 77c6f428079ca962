/*
 * 1. One backer, one vote, whatever he gave. Who is a backer is counted when the vote opens.
 * 2. A vote is won when the quorum took part and more than the majority of the votes cast are in favour.
 * 3. It is decided when its time is over, or as soon as the votes still missing can't change it.
 */

export interface VoteTerms {
  /** Basis points of the electorate that must vote. */
  readonly quorumBp: number;
  /** Basis points of the votes cast that must be exceeded. */
  readonly majorityBp: number;
}

export interface Votes {
  readonly electorate: number;
  readonly yes: number;
  readonly no: number;
}

/** The result, or undefined while it is open. */
export function voteResult(terms: VoteTerms, votes: Votes, isOver: boolean): 'won' | 'lost' | undefined {
  const cast = votes.yes + votes.no;
  const missing = Math.max(votes.electorate - cast, 0);
  const quorum = (n: number): boolean => n * 10_000 >= terms.quorumBp * votes.electorate;
  const majority = (yes: number, n: number): boolean => yes * 10_000 > terms.majorityBp * n;
  if (quorum(cast) && majority(votes.yes, cast + missing)) return 'won';
  if (!quorum(cast + missing) || !majority(votes.yes + missing, cast + missing)) return 'lost';
  if (!isOver) return undefined;
  return quorum(cast) && majority(votes.yes, cast) ? 'won' : 'lost';
}
