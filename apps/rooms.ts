import { IdentityModule } from '#identity';
import { TransparencyModule } from '#transparency';

/** Every room with something to serve or to do; the API, the worker and the schema printer take the same list. */
export const ROOM_MODULES = [IdentityModule, TransparencyModule];
