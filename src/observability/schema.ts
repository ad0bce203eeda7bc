import { z } from 'zod';
import { duration } from '../lib/units.ts';

export const ACCESS_LOG_FIELDS = [
  'time',
  'id',
  'client',
  'consumer',
  'protocol',
  'scheme',
  'method',
  'host',
  'path',
  'query',
  'status',
  'code',
  'route',
  'service',
  'target',
  'durationMs',
  'upstreamMs',
  'requestBytes',
  'responseBytes',
  'attempts',
  'userAgent',
  'referer',
  'traceId',
  'error',
  'listener',
  'worker',
] as const;

export const observabilitySchema = z.strictObject({
  accessLog: z
    .strictObject({
      enabled: z.boolean().default(true),
      format: z
        .enum(['auto', 'json', 'line'])
        .default('auto')
        .describe('auto: a readable line in a terminal, JSON elsewhere'),
      destination: z
        .string()
        .default('stdout')
        .describe('stdout, stderr or the path of a file, which is reopened on SIGUSR2'),
      fields: z
        .array(z.enum(ACCESS_LOG_FIELDS))
        .min(1)
        .default([
          'time',
          'id',
          'client',
          'consumer',
          'method',
          'host',
          'path',
          'status',
          'code',
          'route',
          'service',
          'target',
          'durationMs',
          'upstreamMs',
          'requestBytes',
          'responseBytes',
          'userAgent',
          'traceId',
          'error',
        ])
        .describe('What a line holds. `query` is off by default: queries often carry secrets'),
      headers: z
        .array(z.string())
        .default([])
        .describe('Request fields to log too. Authorization, cookies and the like are refused'),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true),
      maxSeries: z
        .int()
        .min(10)
        .max(1_000_000)
        .default(10_000)
        .describe('Series beyond it are counted under the label value `other`'),
      buckets: z
        .array(z.number().positive())
        .min(1)
        .max(32)
        .default([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
        .describe('Upper bounds of the duration histograms, in seconds'),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('OTLP/HTTP traces endpoint, such as http://127.0.0.1:4318/v1/traces. None: off'),
      sample: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('Share of the traces started here that is recorded; a sampled traceparent is always'),
      serviceName: z.string().default('portcullis'),
      headers: z
        .record(z.string(), z.string())
        .default({})
        .describe('Sent to the collector; secrets by env: or file:'),
      flushInterval: duration('How often spans are sent').prefault('5s'),
    })
    .prefault({}),
});

export type ObservabilityConfig = z.output<typeof observabilitySchema>;
export type AccessLogField = (typeof ACCESS_LOG_FIELDS)[number];
