export { CatalogModule } from './catalog.module.js';
export { CatalogCommands } from './catalog.commands.js';
export { CatalogQueries, type DatasetRow, type RecipeRow } from './catalog.queries.js';
export { type AcceleratorClass, acceleratorClass, acceleratorClasses } from './domain/accelerator.table.js';
export { type PublishedBudget, budgetTerms, computeBudget, publishBudget } from './domain/compute-budget.rule.js';
export { ComputeBudget, Recipe } from './graphql/catalog.type.js';
export { fromPublishedBudget, toRecipe } from './graphql/catalog.mapper.js';
