import { refuse, type Refused } from '#kernel';

/** What we ask for, named in every refusal, so that the reader knows what would have been right. */
const EXPECTED =
  'Expected one of: the nvidia-smi table, `nvidia-smi --query-gpu=name,uuid,memory.total,power.limit --format=csv`, ' +
  '`nvidia-smi -q -x` (XML), or `rocm-smi --showproductname --showmeminfo vram --showuniqueid --json`.';

/** The refusal of every parser. `why` is what was found, in one sentence. */
export const unreadable = (why: string): Refused =>
  refuse({
    code: 'AGENT_INVENTORY_UNREADABLE',
    message: 'The device listing cannot be read.',
    detail: why,
    hint: EXPECTED,
  });
