import { type Refused, refuse } from '#kernel';

/** Everything that this room refuses, with what would be right, and the HTTP status that a caller gets. */
const REFUSALS = {
  LEASE_TOKEN_STALE: {
    status: 409,
    message: 'The fencing token is not the current one of a live lease of this node.',
    hint: 'Stop this work and write nothing more: it belongs to somebody else. Take leases from the next heartbeat.',
  },
  CHECKPOINT_NOT_FOUND: {
    status: 404,
    message: 'There is no such checkpoint, or it is not public.',
    hint: 'Take the address from the field "downloadUrl" of a promoted checkpoint.',
  },
  CHECKPOINT_FILE_NOT_FOUND: {
    status: 404,
    message: 'The checkpoint has no such file.',
    hint: 'Use one of the paths that were declared, exactly.',
  },
  CHECKPOINT_CONFLICT: {
    status: 409,
    message: 'Another checkpoint of this step was declared in this attempt.',
    hint: 'Declare a step once; repeat a declaration with the same files only.',
  },
  CHECKPOINT_CLOSED: {
    status: 409,
    message: 'The checkpoint takes no more files.',
    hint: 'Declare a new checkpoint of a later step.',
  },
  CHECKPOINT_HASH_MISMATCH: {
    status: 422,
    message: 'The bytes do not have the declared SHA-256. Nothing was stored.',
    hint: 'Send the file that was declared, unchanged; if the file has changed, declare a new checkpoint.',
  },
  CHECKPOINT_SIZE_MISMATCH: {
    status: 422,
    message: 'The file does not have the declared size. Nothing was stored.',
    hint: 'Send the file that was declared, unchanged; if the file has changed, declare a new checkpoint.',
  },
  CHECKPOINT_INCOMPLETE: {
    status: 422,
    message: 'Files of the checkpoint are missing.',
    hint: 'Send each file of the declaration, then complete it.',
  },
  CHECKPOINT_UNREADABLE: {
    status: 422,
    message: 'A file of the checkpoint is not what its name says.',
    hint: 'Write .safetensors files as the format asks; the checkpoint was rejected, declare a new one.',
  },
  CHECKPOINT_PATH_REPEATED: {
    status: 422,
    message: 'A path is declared twice.',
    hint: 'Declare each file once.',
  },
} as const satisfies Record<string, { status: number; message: string; hint: string }>;
export type ProvenanceCode = keyof typeof REFUSALS;

export const refuseCheckpoint = (code: ProvenanceCode, detail?: string): Refused => {
  const { message, hint } = REFUSALS[code];
  return refuse({ code, message, hint, ...(detail ? { detail } : {}) });
};

export const provenanceStatus = (code: string): number => REFUSALS[code as ProvenanceCode]?.status ?? 422;
