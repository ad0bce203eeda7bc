/** The sources run as .ts; the published package has been compiled to .js. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The folder of the gateway's own modules, as it runs. */
export const OWN_SOURCES = new URL('../', import.meta.url).href;

/**
 * What a user's file may import by name although nothing is installed beside it. Where something is, such as for its types, or where a
 * clone holds a built form too, it is still this: there is one contract, that of the gateway that runs.
 */
export const OWN_ENTRIES: ReadonlyMap<string, string> = new Map([
  ['portcullis', new URL(`index.${EXTENSION}`, OWN_SOURCES).href],
  ['portcullis/policy', new URL(`policy/index.${EXTENSION}`, OWN_SOURCES).href],
  ['portcullis/provider', new URL(`identity/providers/index.${EXTENSION}`, OWN_SOURCES).href],
]);
