import { Injectable } from '@nestjs/common';
import { type Outcome, refuse } from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';

/** What an erased person's tokens are called: their names are the person's own words. */
const ERASED_NAME = 'erased';

/** Takes a person out of the records that name people, for ever. */
@Injectable()
export class Erasure {
  constructor(private readonly uow: UnitOfWork) {}

  /**
   * Erases a contributor: oneself, or anybody for an operator. Name and e-mail are deleted, sessions and tokens end,
   * roles are dropped. The pseudonym stays where ledger and log have it, and from then on leads to nobody. Erasing
   * somebody again changes nothing. Refuses `ERASE_SESSION_REQUIRED`, `ERASE_NOT_ALLOWED`, `CONTRIBUTOR_NOT_FOUND` and
   * `PROJECT_LAST_OWNER`.
   */
  async erase(viewer: Viewer & { kind: 'contributor' }, contributorId: string): Promise<Outcome<string>> {
    const path = ['input', 'contributorId'];
    // A token that leaked must not be able to take its owner's account away for good.
    if (viewer.scopes !== 'all') {
      return refuse({
        code: 'ERASE_SESSION_REQUIRED',
        message: 'A token can not erase anybody.',
        hint: 'Sign in and do it there.',
      });
    }
    if (contributorId !== viewer.contributorId && !viewer.platformRoles.has('operator')) {
      return refuse({
        code: 'ERASE_NOT_ALLOWED',
        message: 'You can erase yourself only.',
        hint: 'Ask an operator to erase somebody else.',
        path,
      });
    }
    return this.uow.run('identity.contributor-erase', async (tx) => {
      // Held against new roles, sessions and tokens, whose rows all refer to this one.
      const [person] = await tx.query<{ pseudonym: string; erased: boolean }>(
        'SELECT pseudonym, erased_at IS NOT NULL AS erased FROM contributor WHERE id = $1 FOR UPDATE',
        [contributorId],
      );
      if (!person) {
        return refuse({
          code: 'CONTRIBUTOR_NOT_FOUND',
          message: 'There is no such contributor.',
          hint: 'Check the id.',
          path,
        });
      }
      if (person.erased) return contributorId;
      const left = await ownerless(tx, contributorId);
      if (left.length > 0) {
        return refuse({
          code: 'PROJECT_LAST_OWNER',
          message: 'A project keeps at least one owner.',
          detail: `Without an owner would be: ${left.join(', ')}.`,
          hint: 'Make somebody else an owner of each first.',
          path,
        });
      }
      await forget(tx, contributorId);
      tx.emit({
        type: 'contributor.erased',
        aggregateType: 'contributor',
        aggregateId: person.pseudonym,
        payload: { pseudonym: person.pseudonym },
      });
      return contributorId;
    });
  }
}

/** Slugs of the projects that nobody else owns. Their rows are held, so that two owners can't go at once. */
async function ownerless(tx: Tx, contributorId: string): Promise<string[]> {
  const owned = await tx.query<{ id: string; slug: string }>(
    `SELECT id, slug FROM project
      WHERE id IN (SELECT project_id FROM project_member WHERE contributor_id = $1 AND role = 'owner')
      ORDER BY id FOR UPDATE`,
    [contributorId],
  );
  // A statement of its own: it sees what was committed while the rows were waited for.
  const others = await tx.query<{ id: string }>(
    `SELECT DISTINCT project_id AS id FROM project_member
      WHERE project_id = ANY($2) AND contributor_id <> $1 AND role = 'owner'`,
    [contributorId, owned.map(({ id }) => id)],
  );
  const kept = new Set(others.map(({ id }) => id));
  return owned.filter(({ id }) => !kept.has(id)).map(({ slug }) => slug);
}

async function forget(tx: Tx, contributorId: string): Promise<void> {
  const parameters = [contributorId, tx.now];
  await tx.query('UPDATE contributor SET display_name = NULL, email = NULL, erased_at = $2 WHERE id = $1', parameters);
  await tx.query('UPDATE session SET ended_at = coalesce(ended_at, $2) WHERE contributor_id = $1', parameters);
  await tx.query('UPDATE api_token SET revoked_at = coalesce(revoked_at, $2), name = $3 WHERE contributor_id = $1', [
    ...parameters,
    ERASED_NAME,
  ]);
  await tx.query('DELETE FROM project_member WHERE contributor_id = $1', [contributorId]);
  await tx.query('DELETE FROM contributor_platform_role WHERE contributor_id = $1', [contributorId]);
}
