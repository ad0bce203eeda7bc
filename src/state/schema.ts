import { z } from 'zod';
import { duration, size } from '../lib/units.ts';

/** Schema of how long Redis is waited for. */
function patience(description: string) {
  return duration(description)
    .refine((ms) => ms > 0, 'is no time at all')
    .refine((ms) => ms <= 60_000, 'is longer than 1m');
}

const tls = z
  .strictObject({
    serverName: z.string().min(1).optional().describe('Name for SNI and verification; default: the host'),
    ca: z
      .string()
      .optional()
      .describe('PEM of the certificate authorities to trust instead of those that Node.js trusts'),
    cert: z.string().optional().describe('PEM of the client certificate'),
    key: z.string().optional().describe('PEM of the client certificate’s key'),
    verify: z.boolean().default(true).describe('false accepts any certificate; for development only'),
  })
  .describe('For rediss://');

const nodes = (description: string) => z.array(z.string().min(1)).min(1).max(50).describe(description);

const sentinels = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'is up to 100 letters, digits, ".", "_" and "-"')
      .describe('What the sentinels call the primary, such as mymaster'),
    nodes: nodes('redis://user:password@host:26379 of each sentinel; rediss:// for TLS to them and to Redis'),
    username: z
      .string()
      .min(1)
      .optional()
      .describe('Of the gateway at the primary; default: the default user'),
    password: z.string().min(1).optional().describe('Likewise; env:NAME or file:path keeps it out'),
    database: z.int().min(0).max(9999).default(0).describe('Number of the database of the primary'),
  })
  .describe('Instead of url: Redis whose primary Sentinel knows');

const cluster = z
  .strictObject({
    nodes: nodes(
      'redis://user:password@host:6379 of some nodes, by which the others are found; the user is the same for all',
    ),
  })
  .describe('Instead of url: a Redis Cluster');

const PLACES = ['url', 'sentinels', 'cluster'] as const;

const redis = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .optional()
      .describe(
        'redis://user:password@host:6379/0, rediss:// with TLS; env:NAME or file:path keeps the password out',
      ),
    sentinels: sentinels.optional(),
    cluster: cluster.optional(),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_.:/-]{0,64}$/, 'is up to 64 letters, digits, "_", ".", ":", "/" and "-"')
      .default('portcullis:')
      .describe('Begins every key, so that several installations can share one Redis'),
    timeout: patience('How long a request waits for Redis').prefault('50ms'),
    connectTimeout: patience(
      'How long a connection may take, and how long one on which nothing comes is kept',
    ).prefault('1s'),
    recordsTimeout: patience('How long whoever reads or writes a session waits for Redis').prefault('1s'),
    onFailure: z
      .enum(['open', 'closed'])
      .default('open')
      .describe(
        'Requests that Redis did not decide about in time: open lets them through, closed refuses them with 503',
      ),
    tls: tls.optional(),
  })
  .superRefine((written, context) => {
    const [first, second] = PLACES.filter((name) => written[name] !== undefined);
    if (first === undefined) context.addIssue({ code: 'custom', message: 'needs url, sentinels or cluster' });
    if (second !== undefined)
      context.addIssue({ code: 'custom', path: [second], message: `cannot stand beside ${first}` });
  })
  .describe('Redis or Valkey, which the nodes of one gateway share');

/** What workers and nodes know in common, such as what was counted against limits. */
export const stateSchema = z
  .strictObject({
    memory: z
      .strictObject({
        keys: z
          .int()
          .min(1000)
          .max(50_000_000)
          .default(100_000)
          .describe(
            'Keys that limits can count at one time, 51 octets of memory each: of more, the ones that are least limited are forgotten',
          ),
        quotas: z
          .int()
          .min(100)
          .max(1_000_000)
          .default(10_000)
          .describe(
            'Consumers whose quotas are counted at one time, 320 octets of memory each: onFailure says what becomes of the requests of more',
          ),
        onFailure: z
          .enum(['open', 'closed'])
          .default('open')
          .describe(
            'Requests of a consumer for whose quotas there is no place: open lets them through, closed refuses them with 503; both count them as unavailable',
          ),
        quotaFile: z
          .string()
          .min(1)
          .default('portcullis-quotas.db')
          .describe(
            'Where counts of quotas outlive a restart; made when there are plans, and not used with Redis',
          ),
        records: size('Memory for sessions and what belongs to them: when it is full nobody else can sign in')
          .refine((bytes) => bytes >= 1024 ** 2, 'is less than 1mb')
          .refine((bytes) => bytes <= 16 * 1024 ** 3, 'is more than 16gb')
          .prefault('64mb'),
        recordsFile: z
          .string()
          .min(1)
          .default('portcullis-records.db')
          .describe(
            'Where sessions in memory outlive a restart, encrypted; made when there are `sessions` that are kept there',
          ),
        recordsKey: z
          .string()
          .min(1)
          .optional()
          .describe(
            'Text of 32 characters or more that encrypts recordsFile: env:NAME or file:path. Default: a key in a file beside it, which is made',
          ),
      })
      .prefault({})
      .describe('Memory that the workers of this machine share'),
    redis: redis.optional(),
  })
  .describe('Where what workers know in common is kept');

export type StateConfig = z.output<typeof stateSchema>;
export type RedisConfig = z.output<typeof redis>;
