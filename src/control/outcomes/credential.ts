import { canonical } from './canonical.ts';
import { type Comparison, comparisonOf, worst } from './comparison.ts';

/** One thing that a caller has to show: a policy that authenticates, with its options. */
export interface Credential {
  /** Name of the policy, or the path of a module of one's own. */
  readonly method: string;
  /** As the policy's schema reads them, where that is plain data; else as they are written. Never shown. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What stands outside of the options and says who is believed: providers, sessions, the version of a module. Never shown. */
  readonly around: string;
}

/**
 * What an option says of strength. `accepts`: a list of what is taken, where a longer one lets in more and none at all is `absent`;
 * `grows`: a number, where a larger one lets in more and none at all is `absent`; `flag`: true lets in more; `ranks`: from the strictest
 * on; `requires`: a list of what is all needed; `irrelevant`: says nothing of who is let in.
 */
type Direction =
  | { readonly kind: 'accepts'; readonly absent: 'anything' | 'nothing' }
  | { readonly kind: 'grows'; readonly absent: number }
  | { readonly kind: 'flag' | 'irrelevant' | 'requires' }
  | { readonly kind: 'ranks'; readonly order: readonly string[] };

const ANY_OF: Direction = { kind: 'accepts', absent: 'anything' };
const SOURCES: Direction = { kind: 'accepts', absent: 'nothing' };
const AGE: Direction = { kind: 'grows', absent: Number.POSITIVE_INFINITY };
/** 30 s where nothing is said. */
const SKEW: Direction = { kind: 'grows', absent: 30_000 };
const FLAG: Direction = { kind: 'flag' };
const IRRELEVANT: Direction = { kind: 'irrelevant' };

const OF_ALL: Readonly<Record<string, Direction>> = {
  realm: IRRELEVANT,
  forward: IRRELEVANT,
  keep: IRRELEVANT,
  resourceMetadata: IRRELEVANT,
  maxLength: IRRELEVANT,
  timeout: IRRELEVANT,
  insecure: FLAG,
  confirmation: { kind: 'ranks', order: ['checked', 'ignored'] },
};

/** Where a key or a token may stand says nothing of whose it has to be. */
const PLACES: Readonly<Record<string, Direction>> = {
  header: IRRELEVANT,
  query: IRRELEVANT,
  cookie: IRRELEVANT,
  authorization: IRRELEVANT,
  prefix: IRRELEVANT,
};

const OF_METHOD: Readonly<Record<string, Readonly<Record<string, Direction>>>> = {
  'api-key': PLACES,
  jwt: {
    from: IRRELEVANT,
    cache: IRRELEVANT,
    providers: SOURCES,
    issuers: SOURCES,
    audience: ANY_OF,
    authorizedParties: ANY_OF,
    algorithms: ANY_OF,
    anyAudience: FLAG,
    maxAge: AGE,
    skew: SKEW,
    expiry: { kind: 'ranks', order: ['required', 'optional'] },
  },
  mtls: { unknown: { kind: 'ranks', order: ['refuse', 'subject', 'san'] } },
  session: { providers: { kind: 'requires' } },
  introspection: { from: IRRELEVANT, audience: ANY_OF },
  signature: {
    maxBody: IRRELEVANT,
    maxAge: AGE,
    skew: SKEW,
    digest: { kind: 'ranks', order: ['required', 'ignored'] },
    nonce: { kind: 'ranks', order: ['required', 'optional'] },
    nonceStore: { kind: 'ranks', order: ['redis', 'memory', 'worker'] },
  },
};

/** Whether whoever shows `before` is let in by `after`, and the other way round. Those of two methods have nothing to do with each other. */
export function compareCredentials(before: Credential, after: Credential): Comparison {
  if (before.method !== after.method || before.around !== after.around) return 'changed';
  const names = new Set([...Object.keys(before.options), ...Object.keys(after.options)]);
  const directions = OF_METHOD[before.method] ?? {};
  return worst(
    [...names].map((name) =>
      compareOption(directions[name] ?? OF_ALL[name], before.options[name], after.options[name]),
    ),
  );
}

function compareOption(direction: Direction | undefined, before: unknown, after: unknown): Comparison {
  if (canonical(before) === canonical(after)) return 'same';
  switch (direction?.kind) {
    case 'irrelevant':
      return 'same';
    case 'flag':
      return comparisonOf(after === true, before === true);
    case 'grows': {
      const [from, to] = [before, after].map((each) =>
        typeof each === 'number' ? each : direction.absent,
      ) as [number, number];
      return comparisonOf(to >= from, from >= to);
    }
    case 'ranks': {
      // The strictest is what holds where nothing is said.
      const [from, to] = [before, after].map((each) =>
        each === undefined ? 0 : direction.order.indexOf(typeof each === 'string' ? each : ''),
      ) as [number, number];
      return from < 0 || to < 0 ? 'changed' : comparisonOf(to >= from, from >= to);
    }
    case 'requires':
      return comparisonOf(takesAll(before, after, 'nothing'), takesAll(after, before, 'nothing'));
    case 'accepts':
      return comparisonOf(
        takesAll(after, before, direction.absent),
        takesAll(before, after, direction.absent),
      );
    case undefined:
      return 'changed';
  }
}

function takesAll(wide: unknown, narrow: unknown, absent: 'anything' | 'nothing'): boolean {
  if (wide === undefined) return absent === 'anything' || narrow === undefined;
  if (narrow === undefined) return absent === 'nothing';
  const taken = new Set(listOf(wide).map(canonical));
  return listOf(narrow).every((each) => taken.has(canonical(each)));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
