import { z } from 'zod';
import { isFieldValue, isToken } from '../../http/fields.ts';
import { duration } from '../../lib/units.ts';
import { parseStatusRange } from './status-set.ts';

/** A shorter one would be load, not a check. */
const MIN_INTERVAL_MS = 100;
const MAX_TEXT = 1024;

/** Visible ASCII and no fragment, since that is what goes into a request line. */
const path = z
  .string()
  .regex(
    /^\/[\x21\x22\x24-\x7e]*$/,
    'is not a path to ask for: it begins with /, such as /healthz, and has no spaces and no #',
  );

/** What the check itself answers for: a wrong one would make another message of it. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const fieldName = z
  .string()
  .refine((name) => isToken(name) && name === name.toLowerCase(), 'is not a field name in small letters')
  .refine(
    (name) => !FRAMING.has(name),
    'cannot be set: the check writes it (the Host field is the option `host`)',
  );

const statuses = z
  .array(
    z.union([
      z.int().min(200).max(599),
      z
        .string()
        .refine(
          (text) => parseStatusRange(text) !== undefined,
          'is not a status from 200 to 599, a class or a range: write 200, 2xx or 200-299',
        ),
    ]),
  )
  .min(1);

const schedule = {
  interval: duration('From the end of one check of a target to the next one')
    .refine((ms) => ms >= MIN_INTERVAL_MS, `is too short: at least ${MIN_INTERVAL_MS}ms`)
    .prefault('10s'),
  timeout: duration('How long a check may take, connecting included; then it has failed')
    .refine((ms) => ms > 0, 'must be more than nothing: a check that never ends says nothing')
    .prefault('2s'),
  jitter: z
    .int()
    .min(0)
    .max(100)
    .default(10)
    .describe('By how many per cent an interval is longer or shorter, at random'),
  healthyAfter: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe('Checks in a row that have to pass before a target that is down is up'),
  unhealthyAfter: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('Checks in a row that have to fail before a target that is up is down'),
  port: z.int().min(1).max(65_535).optional().describe('Port to check; default: the target’s own'),
};

const httpSchema = z
  .strictObject({
    type: z.literal('http').default('http').describe('A request, by TLS where the target is https'),
    path: path.default('/').describe('What is asked for, with a query if you like'),
    method: z.enum(['GET', 'HEAD', 'OPTIONS', 'POST']).default('GET'),
    host: z
      .string()
      .regex(/^[A-Za-z0-9.:[\]-]+$/, 'is not a host name')
      .optional()
      .describe(
        'Host that the check is sent with; default: the fixed `host` of the service, else the target’s',
      ),
    headers: z
      .record(
        fieldName,
        z
          .string()
          .refine(isFieldValue, 'is not a field value: it has a line break or another control character'),
      )
      .default({})
      .describe('Fields that the check is sent with'),
    status: statuses
      .default(['2xx'])
      .describe('Statuses that pass: single ones, classes and ranges, such as [200, 3xx, 400-404]'),
    body: z
      .string()
      .min(1)
      .max(MAX_TEXT)
      .optional()
      .describe('Text that the first 64 KiB of the answer have to contain; without it the body is not read'),
    ...schedule,
  })
  .refine(({ method, body }) => method !== 'HEAD' || body === undefined, {
    path: ['body'],
    message: 'cannot be found: an answer to HEAD has no body',
  });

const tcpSchema = z.strictObject({
  type: z.literal('tcp').describe('A connection is opened and closed; nothing is sent'),
  ...schedule,
});

/** `health.active` of a service: asks each of its targets, from one place for all workers. */
export const activeHealthSchema = z.discriminatedUnion('type', [httpSchema, tcpSchema], 'is not http or tcp');

export type ActiveHealthSettings = z.output<typeof activeHealthSchema>;
export type HttpCheckSettings = z.output<typeof httpSchema>;
