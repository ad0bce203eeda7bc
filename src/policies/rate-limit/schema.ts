import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { rate } from '../../lib/units.ts';
import { inexactPart, MAX_COST } from '../../state/exactness.ts';
import type { Algorithm } from '../../state/limiter.ts';
import { delay } from '../delay-option.ts';
import { isKnownEarly, type KeyOption } from './keys.ts';

const MAX_UNITS = 1_000_000_000;

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}$/,
    'is not a name: write up to 64 letters, digits, spaces, ".", "_", "/" and "-"',
  );

const fieldName = z
  .string()
  .refine(isToken, 'is not a field name')
  .transform((text) => text.toLowerCase());

const keySource = z
  .union([
    z.enum(['address', 'route', 'service', 'consumer', 'session', 'plan']),
    z
      .strictObject({
        address: z
          .strictObject({
            ipv4: z
              .int()
              .min(0)
              .max(32)
              .default(32)
              .describe('Bits that addresses of one client have in common'),
            ipv6: z
              .int()
              .min(0)
              .max(128)
              .default(64)
              .describe('The same of IPv6: one client has 2^64 addresses'),
          })
          .optional(),
        header: fieldName.optional().describe('First field of that name'),
        cookie: z.string().refine(isToken, 'is not the name of a cookie').optional(),
        claim: z.string().min(1).optional().describe('Of the token, such as sub'),
      })
      .refine((source) => Object.values(source).filter((part) => part !== undefined).length === 1, {
        message: 'names one of address, header, cookie and claim',
      }),
  ])
  .describe(
    'address, route, service, consumer, session, plan, or one of {address}, {header}, {cookie}, {claim}',
  );

const key = z
  .union([keySource, z.array(keySource).min(1).max(5)])
  .transform((sources): readonly KeyOption[] => (Array.isArray(sources) ? sources : [sources]));

const algorithm = z.enum(['gcra', 'sliding-window']);

const limitEntry = z
  .strictObject({
    rate: rate('Units in a time, such as 100/min').optional(),
    burst: z
      .int()
      .min(1)
      .max(MAX_UNITS)
      .optional()
      .describe('Units that may be taken at once; the number of the rate when it is not given'),
    algorithm: algorithm.optional().describe('Instead of the policy’s'),
    concurrency: z.int().min(1).max(1_000_000).optional().describe('Requests under way at one time'),
    key: key.optional().describe('Instead of the policy’s'),
    name: name.optional().describe('In the answer’s fields; the rate as it is written when it is not given'),
  })
  .superRefine((entry, context) => {
    if ((entry.rate === undefined) === (entry.concurrency === undefined))
      context.addIssue({ code: 'custom', message: 'needs rate or concurrency, one of them' });
    for (const option of ['burst', 'algorithm'] as const) {
      if (entry.concurrency !== undefined && entry[option] !== undefined)
        context.addIssue({ code: 'custom', path: [option], message: 'is for a rate, not for concurrency' });
    }
  });

type LimitEntry = z.output<typeof limitEntry>;

/** A rate by itself is short for an entry that has only that. */
const limit = z.union([
  rate('Units in a time, such as 100/min').transform((written): LimitEntry => ({ rate: written })),
  limitEntry,
]);

const cost = z
  .union([
    z.int().min(0).max(MAX_COST),
    z.strictObject({
      header: fieldName.describe(
        'Field of the service’s answer with the units that the request really took, up to a million',
      ),
      default: z
        .int()
        .min(0)
        .max(MAX_COST)
        .default(1)
        .describe('Taken beforehand, and what stays where the answer has no such field'),
    }),
  ])
  .default(1)
  .describe('Units that a request takes of each rate');

export const rateLimitSchema = z
  .strictObject({
    limits: z
      .array(limit)
      .min(1)
      .max(16)
      .describe('All of them hold: a request that one refuses costs the others nothing'),
    key: key
      .prefault('address')
      .describe('Who is counted: one of them, or a list of those that count together'),
    unknown: z
      .enum(['address', 'skip'])
      .default('address')
      .describe('What becomes of a request without that key: counted by its address, or not at all'),
    scope: z
      .union([
        z.enum(['gateway', 'service', 'route']),
        z.strictObject({
          name: z.string().regex(/^[A-Za-z0-9._/-]{1,200}$/, 'is not a name of letters, digits and . _ / -'),
        }),
      ])
      .optional()
      .describe(
        'What shares the counts: gateway is the default for a policy of every route, route for a route’s own; { name } is every route that says the same name',
      ),
    when: z
      .enum(['before-authentication', 'after-authentication'])
      .optional()
      .describe('After it when a key is known only then; otherwise before it, where a refusal costs least'),
    algorithm: algorithm.default('gcra'),
    cost,
    store: z
      .enum(['memory', 'redis', 'hybrid'])
      .optional()
      .describe(
        'Where is counted: memory (this machine), redis (all nodes, asked for each request), hybrid (all nodes, told in intervals). Redis where state.redis is configured, else memory',
      ),
    sync: delay('Between two synchronisations of a hybrid store, at least 10ms; 100ms when it is not given')
      .refine((ms) => ms >= 10, 'is shorter than 10ms')
      .optional(),
    onFailure: z
      .enum(['open', 'closed'])
      .optional()
      .describe(
        'Instead of that of state.redis: open lets through what Redis did not decide, closed answers 503',
      ),
    headers: z
      .array(z.enum(['standard', 'legacy']))
      .default(['standard'])
      .describe('Fields of every answer: RateLimit and RateLimit-Policy, X-RateLimit-*; [] is none'),
    shadow: z.boolean().default(false).describe('Counts and refuses nobody, to try a limit out'),
    delay: z
      .strictObject({
        max: delay('How long a request may wait, up to 5m').refine((ms) => ms > 0, 'is no time at all'),
        queue: z
          .int()
          .min(1)
          .max(10_000)
          .default(100)
          .describe('How many may wait at one time, in a worker and for a route'),
      })
      .optional()
      .describe('Requests above the limit wait for their turn instead of being refused'),
  })
  .superRefine((options, context) => {
    const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path, message });
    const names = new Set<string>();
    const least = typeof options.cost === 'number' ? options.cost : options.cost.default;
    for (const [i, entry] of options.limits.entries()) {
      const written = entry.name ?? nameOf(entry);
      if (names.has(written))
        refuse(['limits', i], `there is a limit ${JSON.stringify(written)} already: give one of them a name`);
      names.add(written);
      const sliding = (entry.algorithm ?? options.algorithm) === 'sliding-window';
      if (sliding && entry.burst !== undefined)
        refuse(['limits', i, 'burst'], 'is for gcra: a sliding window has none');
      const inexact = inexactOf(entry, entry.algorithm ?? options.algorithm);
      if (inexact !== undefined) refuse(['limits', i], inexact);
      const holds = entry.burst ?? entry.rate?.count;
      // Of a limit that is wrong by itself that is said already.
      if (holds !== undefined && holds > 0 && least > holds)
        refuse(
          ['cost'],
          `is more than the limit ${JSON.stringify(written)} ever holds, which is ${holds}: every request would be refused`,
        );
    }
    if (options.when === 'before-authentication' && !keysOf(options).every(isKnownEarly))
      refuse(['when'], 'is too early: consumer, session, plan and claim are known after authentication');
    checkStore(options, refuse);
    if (options.shadow && options.delay !== undefined)
      refuse(['delay'], 'does not go with shadow, which holds nobody up');
  })
  .describe('Limits how often, and how many at one time, requests are let through');

/** Why an entry cannot be counted exactly; undefined when it can. */
export function inexactOf({ rate: written, burst }: LimitEntry, counting: Algorithm): string | undefined {
  if (written === undefined) return undefined;
  const { count: quota, windowMs } = written;
  switch (inexactPart({ algorithm: counting, quota, windowMs, burst: burst ?? quota })) {
    case 'rate':
      return `is too fine to be counted exactly: choose a number that has more factors in common with ${windowMs} ms, or a shorter time`;
    case 'burst':
      return 'has a burst that is too large to be counted exactly: choose a smaller one, or a shorter time';
    case undefined:
      return undefined;
  }
}

type Refuse = (path: (string | number)[], message: string) => void;

function checkStore(
  { store, sync, onFailure, algorithm: shared, limits }: StoreOptions,
  refuse: Refuse,
): void {
  if (store !== 'hybrid' && sync !== undefined) refuse(['sync'], 'is for store: hybrid');
  if (store === 'memory' && onFailure !== undefined)
    refuse(['onFailure'], 'is for Redis: memory is always there');
  if (store !== 'hybrid') return;
  for (const [i, entry] of limits.entries()) {
    const place = ['limits', i];
    if (entry.concurrency !== undefined)
      refuse([...place, 'concurrency'], 'is counted exactly or not at all: use store: redis or memory');
    else if ((entry.algorithm ?? shared) !== 'gcra')
      refuse(
        entry.algorithm === undefined ? ['algorithm'] : [...place, 'algorithm'],
        'of a hybrid store is gcra',
      );
  }
}

interface StoreOptions {
  readonly store?: 'memory' | 'redis' | 'hybrid' | undefined;
  readonly sync?: number | undefined;
  readonly onFailure?: 'open' | 'closed' | undefined;
  readonly algorithm: z.output<typeof algorithm>;
  readonly limits: readonly LimitEntry[];
}

export type RateLimitOptions = z.output<typeof rateLimitSchema>;

/** What a limit is called that has no name of its own. */
export function nameOf({ rate: written, concurrency }: Pick<LimitEntry, 'rate' | 'concurrency'>): string {
  return written === undefined ? `concurrency ${concurrency}` : written.text;
}

/** Every key that some limit counts by. */
export function keysOf({
  key: shared,
  limits,
}: Pick<RateLimitOptions, 'key' | 'limits'>): readonly KeyOption[] {
  return [...shared, ...limits.flatMap((entry) => entry.key ?? [])];
}
