import { type Refused, refuse } from '#kernel';

/** Everything that the catalog refuses, with what would be right. */
const REFUSALS = {
  CATALOG_CLASS_UNKNOWN: {
    message: 'There is no accelerator class of this name.',
    hint: 'Take a class from the query acceleratorClasses, for example "h100-sxm-80" or "cpu".',
  },
  CATALOG_DATASET_CONFLICT: {
    message: 'These bytes are registered already with other particulars.',
    hint: 'Use the registered dataset; the same SHA-256 can have one name, licence and source only.',
  },
  CATALOG_DATASET_NOT_FOUND: {
    message: 'There is no dataset with this id.',
    hint: 'Register the dataset first with datasetRegister.',
  },
  CATALOG_DIGEST_INVALID: {
    message: 'This is not a SHA-256 digest.',
    hint: 'Give 64 hexadecimal digits in lower case, as sha256sum prints them.',
  },
  CATALOG_HYPERPARAMETERS_INVALID: {
    message: 'The hyper-parameters are not a JSON object that a recipe can hold.',
    hint: 'Give one object of at most 32 KB whose values are text, finite numbers, booleans, lists or objects.',
  },
  CATALOG_MFU_INVALID: {
    message: 'The model FLOP utilisation is not usable.',
    hint: 'Give a decimal text above 0 and at most 1, with up to four decimals, for example "0.40".',
  },
  CATALOG_NUMBER_INVALID: {
    message: 'The number is outside what makes sense here.',
    hint: 'Give a whole number in the stated range.',
  },
  CATALOG_TEXT_INVALID: {
    message: 'The text is empty or too long.',
    hint: 'Give some words on one line, within the stated length.',
  },
  CATALOG_WORKERS_INVALID: {
    message: 'The numbers of workers contradict each other.',
    hint: 'minWorkers is at least 1, and maxWorkers at least minWorkers and at most 65536.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;

export type CatalogRefusal = keyof typeof REFUSALS;

export const refuseCatalog = (code: CatalogRefusal, path: readonly string[], detail?: string): Refused =>
  refuse({ code, ...REFUSALS[code], path, ...(detail === undefined ? {} : { detail }) });

export const CATALOG_REFUSALS = Object.keys(REFUSALS) as readonly CatalogRefusal[];
