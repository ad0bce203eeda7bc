import { z } from 'zod';
import { exchangeFor, type RequestDescription, runPolicies } from '../../../test/support/exchange.ts';
import { consumerSchema } from '../../identity/consumers/schema.ts';
import { Identity } from '../../identity/identity.ts';
import { NO_IDENTITY } from '../../identity/identity-data.ts';
import { MemoryRecords } from '../../identity/sessions/memory-records.support.ts';
import { RecordStores } from '../../state/records/record-stores.ts';
import { compilePolicies } from '../compile.ts';
import type { PolicyUse } from '../use.ts';

/** 2026-01-01. */
export const NOW_MS = Date.UTC(2026, 0, 1);

export type ConsumersInput = Readonly<Record<string, z.input<typeof consumerSchema>>>;

export function identityOf(
  consumers: ConsumersInput,
  nowMs: () => number = () => NOW_MS,
  records: RecordStores = memoryOf(nowMs),
): Identity {
  const parsed = z.record(z.string(), consumerSchema).parse(consumers);
  return new Identity(
    { ...NO_IDENTITY, consumers: parsed },
    {
      log: () => {},
      nowMs,
      records,
    },
  );
}

function memoryOf(nowMs: () => number): RecordStores {
  const records = new MemoryRecords(nowMs);
  return new RecordStores(
    () => records,
    () => {},
  );
}

/** What a request got: who it is from, or the answer; and what the upstream would see. */
export interface Outcome {
  readonly consumer: string | undefined;
  readonly groups: readonly string[] | undefined;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly challenge: string | undefined;
  readonly sent: readonly string[];
  readonly search: string;
}

/** Asks policies who sends requests, one after the other, in one configuration, on a route of that organization. */
export async function asker(
  uses: readonly PolicyUse[],
  identity: Identity,
  globals: readonly PolicyUse[] = [],
  organization?: string,
): Promise<(request?: RequestDescription) => Promise<Outcome>> {
  const context = { route: 'r', warn: () => {}, policyEvent: () => {}, identity, globals, organization };
  const policies = await compilePolicies([...globals, ...uses], context);
  return async (request) => {
    const exchange = exchangeFor(request);
    const answer = await runPolicies(policies, exchange);
    return {
      consumer: exchange.principal?.consumer,
      groups: exchange.principal?.groups,
      status: answer?.status,
      code: answer?.code,
      challenge: answer?.headers?.['WWW-Authenticate'],
      sent: exchange.requestLines,
      search: exchange.request.upstreamSearch,
    };
  };
}

export function basicField(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}
