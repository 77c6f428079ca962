import { Injectable } from '@nestjs/common';
import { type Json, type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';

export interface DatasetRow {
  readonly id: string;
  readonly name: string;
  readonly licence: string;
  readonly source: string;
  readonly sha256: string;
  readonly bytes: bigint;
  readonly tokens: bigint | null;
}

export interface RecipeRow {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly digest: string;
  readonly workload: string;
  readonly driver: string;
  readonly gpuClass: string;
  readonly parameters: bigint;
  readonly activeParameters: bigint | null;
  readonly tokens: bigint;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly checkpointEverySteps: number;
  readonly hyperparameters: { readonly [key: string]: Json | undefined };
  readonly dataset: DatasetRow;
}

interface FlatRecipe extends Omit<RecipeRow, 'dataset'> {
  readonly dsId: string;
  readonly dsName: string;
  readonly dsLicence: string;
  readonly dsSource: string;
  readonly dsSha256: string;
  readonly dsBytes: bigint;
  readonly dsTokens: bigint | null;
}

const DATASET = 'SELECT id, name, licence, source, sha256, bytes, tokens FROM dataset';
const RECIPE = `
  SELECT r.id, r.project_id AS "projectId", r.name, r.digest, r.workload, r.driver, r.gpu_class AS "gpuClass",
         r.parameters, r.active_parameters AS "activeParameters", r.tokens, r.min_workers AS "minWorkers",
         r.max_workers AS "maxWorkers", r.checkpoint_every_steps AS "checkpointEverySteps", r.hyperparameters,
         d.id AS "dsId", d.name AS "dsName", d.licence AS "dsLicence", d.source AS "dsSource", d.sha256 AS "dsSha256",
         d.bytes AS "dsBytes", d.tokens AS "dsTokens"
    FROM recipe r JOIN dataset d ON d.id = r.dataset_id`;

/** Reads of the catalog. */
@Injectable()
export class CatalogQueries {
  constructor(private readonly uow: UnitOfWork) {}

  async dataset(tx: Tx, id: string): Promise<DatasetRow | undefined> {
    return (await tx.query<DatasetRow>(`${DATASET} WHERE id = $1`, [id]))[0];
  }

  /** The recipe with its dataset, or undefined. */
  async recipe(tx: Tx, id: string): Promise<RecipeRow | undefined> {
    return (await this.recipes(tx, [id])).get(id);
  }

  async recipes(tx: Tx, ids: readonly string[]): Promise<Map<string, RecipeRow>> {
    const rows = await tx.query<FlatRecipe>(`${RECIPE} WHERE r.id = ANY($1)`, [ids]);
    return new Map(rows.map((row) => [row.id, nest(row)]));
  }

  /** Everything that recipes may be made of, newest first. */
  async datasetPage(args: PageArgs): Promise<Page<DatasetRow>> {
    const limit = pageSize(args.first);
    const rows = await this.uow.read((tx) =>
      tx.query<DatasetRow>(`${DATASET} WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT ${limit + 1}`, [
        startOf(args),
      ]),
    );
    return pageOf(rows, limit, (row) => row.id);
  }

  /** Recipes, newest first; of one project where it is named. */
  async recipePage(args: PageArgs & { projectId?: string | undefined }): Promise<Page<RecipeRow>> {
    const limit = pageSize(args.first);
    const rows = await this.uow.read((tx) =>
      tx.query<FlatRecipe>(
        `${RECIPE} WHERE ($1::uuid IS NULL OR r.id < $1) AND ($2::uuid IS NULL OR r.project_id = $2)
          ORDER BY r.id DESC LIMIT ${limit + 1}`,
        [startOf(args), args.projectId ?? null],
      ),
    );
    return pageOf(rows.map(nest), limit, (row) => row.id);
  }

  findDataset(id: string): Promise<DatasetRow | undefined> {
    return this.uow.read((tx) => this.dataset(tx, id));
  }

  findRecipe(id: string): Promise<RecipeRow | undefined> {
    return this.uow.read((tx) => this.recipe(tx, id));
  }
}

/** The id after which a page begins; null for the first page and for a cursor that is none of ours. */
function startOf(args: PageArgs): string | null {
  const key = decodeCursor(args.after);
  return key !== undefined && isUuid(key) ? key : null;
}

function nest(row: FlatRecipe): RecipeRow {
  const { dsId, dsName, dsLicence, dsSource, dsSha256, dsBytes, dsTokens, ...recipe } = row;
  return {
    ...recipe,
    dataset: {
      id: dsId,
      name: dsName,
      licence: dsLicence,
      source: dsSource,
      sha256: dsSha256,
      bytes: dsBytes,
      tokens: dsTokens,
    },
  };
}
