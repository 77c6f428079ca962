import { Injectable } from '@nestjs/common';
import { requireProjectRole } from '#identity';
import { type Outcome, canonicalJson, isRefused, newId } from '#kernel';
import { UnitOfWork, type Viewer } from '#platform';
import { CatalogQueries, type DatasetRow, type RecipeRow } from './catalog.queries.js';
import { refuseCatalog } from './catalog.refusal.js';
import { type RecipeDraft, readLine, readSha256, recipeContent, recipeDigest } from './domain/recipe.rule.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface DatasetDraft {
  readonly name: string;
  readonly licence: string;
  readonly source: string;
  readonly sha256: string;
  readonly bytes: bigint;
  readonly tokens?: bigint | null | undefined;
}

/** Puts datasets and recipes on record. Both are content-addressed, so doing it twice gives the same one. */
@Injectable()
export class CatalogCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly queries: CatalogQueries,
  ) {}

  /** Registers a dataset by the hash of its bytes; the same particulars again give the registered one. */
  async registerDataset(viewer: SignedIn, draft: DatasetDraft): Promise<Outcome<DatasetRow>> {
    const name = readLine(draft.name, 120, ['input', 'name']);
    if (isRefused(name)) return name;
    const licence = readLine(draft.licence, 200, ['input', 'licence']);
    if (isRefused(licence)) return licence;
    const source = readLine(draft.source, 500, ['input', 'source']);
    if (isRefused(source)) return source;
    const sha256 = readSha256(draft.sha256, ['input', 'sha256']);
    if (isRefused(sha256)) return sha256;
    const tokens = draft.tokens ?? null;
    if (draft.bytes < 1n || draft.bytes > 10n ** 18n)
      return refuseCatalog('CATALOG_NUMBER_INVALID', ['input', 'bytes'], 'From 1 to 10^18.');
    if (tokens !== null && (tokens < 1n || tokens > 10n ** 18n))
      return refuseCatalog('CATALOG_NUMBER_INVALID', ['input', 'tokens'], 'From 1 to 10^18.');

    return this.uow.run('catalog.dataset-register', async (tx) => {
      const row: DatasetRow = { id: newId(), name, licence, source, sha256, bytes: draft.bytes, tokens };
      const inserted = await tx.query(
        `INSERT INTO dataset (id, name, licence, source, sha256, bytes, tokens, registered_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sha256) DO NOTHING RETURNING id`,
        [row.id, name, licence, source, sha256, row.bytes, tokens, viewer.contributorId, tx.now],
      );
      if (inserted.length > 0) {
        tx.emit({
          type: 'dataset.registered',
          aggregateType: 'dataset',
          aggregateId: row.id,
          isPublic: true,
          payload: {
            datasetId: row.id,
            name,
            licence,
            source,
            sha256,
            bytes: String(row.bytes),
            tokens: tokens === null ? null : String(tokens),
          },
        });
        return row;
      }
      const [held] = await tx.query<DatasetRow>(
        'SELECT id, name, licence, source, sha256, bytes, tokens FROM dataset WHERE sha256 = $1',
        [sha256],
      );
      const same =
        held && held.name === name && held.licence === licence && held.source === source && held.bytes === row.bytes;
      return same
        ? held
        : refuseCatalog('CATALOG_DATASET_CONFLICT', ['input', 'sha256'], `Registered as "${held?.name ?? ''}".`);
    });
  }

  /** Registers a recipe for a project. Maintainers only. The same content again gives the registered recipe. */
  async registerRecipe(
    viewer: SignedIn,
    input: Omit<RecipeDraft, 'datasetSha256'> & { projectId: string; datasetId: string },
  ): Promise<Outcome<RecipeRow>> {
    return this.uow.run('catalog.recipe-register', async (tx) => {
      const denied = await requireProjectRole(tx, viewer, input.projectId, ['maintainer']);
      if (denied) return denied;
      const dataset = await this.queries.dataset(tx, input.datasetId);
      if (!dataset) return refuseCatalog('CATALOG_DATASET_NOT_FOUND', ['input', 'datasetId']);
      const content = recipeContent({ ...input, datasetSha256: dataset.sha256 });
      if (isRefused(content)) return content;
      const digest = recipeDigest(content);
      const [row] = await tx.query<{ id: string }>(
        `INSERT INTO recipe (id, digest, content, project_id, dataset_id, name, workload, driver, gpu_class, parameters,
                             active_parameters, tokens, min_workers, max_workers, checkpoint_every_steps,
                             hyperparameters, registered_by, created_at)
         VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)
         ON CONFLICT (digest) DO NOTHING RETURNING id`,
        [
          newId(),
          digest,
          canonicalJson(content),
          input.projectId,
          dataset.id,
          content.name,
          content.workload,
          content.driver,
          content.gpuClass,
          input.parameters,
          input.activeParameters ?? null,
          input.tokens,
          content.minWorkers,
          content.maxWorkers,
          content.checkpointEverySteps,
          JSON.stringify(content.hyperparameters),
          viewer.contributorId,
          tx.now,
        ],
      );
      const id =
        row?.id ?? (await tx.query<{ id: string }>('SELECT id FROM recipe WHERE digest = $1', [digest]))[0]?.id;
      const recipe = id === undefined ? undefined : await this.queries.recipe(tx, id);
      if (!recipe) throw new Error(`recipe ${digest} was neither found nor made`);
      if (row) {
        tx.emit({
          type: 'recipe.registered',
          aggregateType: 'recipe',
          aggregateId: recipe.id,
          isPublic: true,
          payload: {
            recipeId: recipe.id,
            digest,
            name: content.name,
            workload: content.workload,
            driver: content.driver,
            parameters: content.parameters,
            activeParameters: content.activeParameters,
            tokens: content.tokens,
            gpuClass: content.gpuClass,
            datasetId: dataset.id,
            datasetSha256: dataset.sha256,
            hyperparameters: content.hyperparameters,
          },
        });
      }
      return recipe;
    });
  }
}
