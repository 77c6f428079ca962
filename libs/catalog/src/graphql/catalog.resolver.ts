import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { GraphQLError } from 'graphql';
import { isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  CurrentViewer,
  FIRST_ARG,
  type Viewer,
  fromGlobalId,
  askedId,
  toConnection,
  toUserErrors,
} from '#platform';
import { CatalogCommands } from '../catalog.commands.js';
import { CatalogQueries } from '../catalog.queries.js';
import { type AcceleratorClass, acceleratorClasses } from '../domain/accelerator.table.js';
import { budgetTerms, computeBudget } from '../domain/compute-budget.rule.js';
import { toComputeBudget, toDataset, toRecipe } from './catalog.mapper.js';
import {
  AcceleratorClassType,
  ComputeBudget,
  ComputeBudgetInput,
  DatasetConnection,
  DatasetRegisterInput,
  DatasetRegisterPayload,
  RecipeConnection,
  RecipeRegisterInput,
  RecipeRegisterPayload,
} from './catalog.type.js';

type SignedIn = Viewer & { kind: 'contributor' };

@Resolver()
export class CatalogResolver {
  constructor(
    private readonly commands: CatalogCommands,
    private readonly queries: CatalogQueries,
  ) {}

  @Access('public')
  @Query(() => ComputeBudget, { description: 'What a training takes, worked out from its terms. Stores nothing.' })
  computeBudget(@Args('input', { description: 'The terms.' }) input: ComputeBudgetInput): ComputeBudget {
    const terms = budgetTerms(input);
    const budget = isRefused(terms) ? terms : computeBudget(terms);
    if (isRefused(budget)) {
      const { code, message, detail, hint } = budget.first;
      const text = [`${code}: ${message}`, detail, hint].filter(Boolean).join(' ');
      throw new GraphQLError(text, { extensions: { code: 'BAD_USER_INPUT' } });
    }
    return toComputeBudget(budget);
  }

  @Access('public')
  @Query(() => [AcceleratorClassType], { description: 'The accelerator classes that GPU time is counted in.' })
  acceleratorClasses(): readonly AcceleratorClass[] {
    return acceleratorClasses();
  }

  @Access('public')
  @Query(() => DatasetConnection, { description: 'The datasets on record, newest first.' })
  async datasets(@Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string): Promise<DatasetConnection> {
    return toConnection(await this.queries.datasetPage({ first, after }), toDataset, after);
  }

  @Access('public')
  @Query(() => RecipeConnection, { description: 'The recipes on record, newest first.' })
  async recipes(
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('projectId', { type: () => ID, nullable: true, description: 'Only those of this project.' })
    projectId?: string,
  ): Promise<RecipeConnection> {
    const wanted = projectId == null ? {} : { projectId: askedId('Project', projectId) };
    return toConnection(await this.queries.recipePage({ first, after, ...wanted }), toRecipe, after);
  }

  @Access({ scope: 'project:write' })
  @Mutation(() => DatasetRegisterPayload, { description: 'Puts a dataset on record by the hash of its bytes.' })
  async datasetRegister(
    @Args('input', { description: 'The dataset.' }) input: DatasetRegisterInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<DatasetRegisterPayload> {
    const outcome = await this.commands.registerDataset(viewer, input);
    return isRefused(outcome)
      ? { dataset: null, userErrors: toUserErrors(outcome) }
      : { dataset: toDataset(outcome), userErrors: [] };
  }

  @Access({ scope: 'project:write', projectRoles: ['maintainer'] })
  @Mutation(() => RecipeRegisterPayload, { description: 'Puts a recipe on record by the hash of its content.' })
  async recipeRegister(
    @Args('input', { description: 'The recipe.' }) input: RecipeRegisterInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<RecipeRegisterPayload> {
    const projectId = fromGlobalId('Project', input.projectId, ['input', 'projectId']);
    if (isRefused(projectId)) return { recipe: null, userErrors: toUserErrors(projectId) };
    const datasetId = fromGlobalId('Dataset', input.datasetId, ['input', 'datasetId']);
    if (isRefused(datasetId)) return { recipe: null, userErrors: toUserErrors(datasetId) };
    const minWorkers = input.minWorkers ?? 1;
    const outcome = await this.commands.registerRecipe(
      viewer,
      Object.assign({}, input, {
        projectId,
        datasetId,
        driver: input.driver ?? 'process',
        minWorkers,
        maxWorkers: input.maxWorkers ?? minWorkers,
        checkpointEverySteps: input.checkpointEverySteps ?? 100,
      }),
    );
    return isRefused(outcome)
      ? { recipe: null, userErrors: toUserErrors(outcome) }
      : { recipe: toRecipe(outcome), userErrors: [] };
  }
}
