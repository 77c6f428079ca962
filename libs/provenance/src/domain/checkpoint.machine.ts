/**
 * The states of a checkpoint. The migration holds the same edges as rows and refuses any other.
 *
 *     declared ─▶ uploading ─▶ hashed ─▶ verified ─▶ promoted ─▶ superseded ─▶ archived
 *        └───────────┴───────────┴─▶ rejected  └──────────────────▲
 *
 * `hashed`: every byte is here and has the declared hash · `verified`: a loader could read it · `promoted`: the run's one
 * restore point · `superseded`: another is, or was when this one came.
 */
export const CHECKPOINT_STATES = [
  'declared',
  'uploading',
  'hashed',
  'verified',
  'promoted',
  'superseded',
  'archived',
  'rejected',
] as const;
export type CheckpointState = (typeof CHECKPOINT_STATES)[number];

export const CHECKPOINT_EDGES: readonly { readonly from: CheckpointState; readonly to: CheckpointState }[] = [
  { from: 'declared', to: 'uploading' },
  { from: 'declared', to: 'rejected' },
  { from: 'uploading', to: 'hashed' },
  { from: 'uploading', to: 'rejected' },
  { from: 'hashed', to: 'verified' },
  { from: 'hashed', to: 'rejected' },
  { from: 'verified', to: 'promoted' },
  { from: 'verified', to: 'superseded' },
  { from: 'promoted', to: 'superseded' },
  { from: 'superseded', to: 'archived' },
];

/** States in which the files are public: they were, once, what the run stood on. */
export const isPublic = (state: CheckpointState): boolean => state === 'promoted' || state === 'superseded';
/** States in which files may still come. */
export const takesFiles = (state: CheckpointState): boolean => state === 'declared' || state === 'uploading';
