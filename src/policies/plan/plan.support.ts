import { exchangeFor, type TestExchange } from '../../../test/support/exchange.ts';
import type { Answer } from '../../policy/contract.ts';
import type { PlanHooks } from './plan.ts';

export interface Outcome {
  readonly answer: Answer | undefined;
  readonly exchange: TestExchange;
}

/** A request from beginning to end; `notes` are those of an authentication before it. */
export async function send(
  policy: PlanHooks,
  notes: Readonly<Record<string, string>> = { consumer: 'alice' },
): Promise<Outcome> {
  const exchange = exchangeFor({});
  for (const [name, value] of Object.entries(notes)) exchange.notes.set(name, value);
  const answer = await policy.onRequest(exchange);
  exchange.response.status = answer?.status ?? 200;
  policy.onResponse(exchange);
  policy.onEnd(exchange);
  return { answer, exchange };
}
