/** The clock of the process, {@link Clock} of the kernel. */
export const CLOCK = Symbol('CLOCK');
/** The structured logger of the process. */
export const LOGGER = Symbol('LOGGER');
