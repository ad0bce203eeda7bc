import { size } from '../../lib/units.ts';

/** What a client may have of the memory that a worker has for bodies. */
const MAX_BODY_BYTES = 128 * 1024 * 1024;

/** The largest body that is checked. */
export function maxBytes(description: string) {
  return size(`${description}, up to 128mb`)
    .refine((bytes) => bytes > 0 && bytes <= MAX_BODY_BYTES, 'is not between 1b and 128mb')
    .prefault('1mb');
}
