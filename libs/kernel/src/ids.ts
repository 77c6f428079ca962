import { v7, validate } from 'uuid';

/**
 * A new time-ordered identifier (UUIDv7, RFC 9562 section 5.7). Random UUIDv4 keys cost about twenty times the
 * write-ahead log of time-ordered ones, so every table of ours is keyed by these.
 */
export const newId = (): string => v7();

/** True when the text is a UUID of any version, in the 36-character form. */
export const isUuid = (text: string): boolean => validate(text);
