import { z } from 'zod';
import { type AdminAnswer, json, problem } from './answer.ts';
import { answered, type Endpoint, type QuotaAnswer, readJson } from './endpoint.ts';

/** Quotas of consumers: docs/plans.md. */
export const QUOTA_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/quotas',
    summary: 'Quotas of consumers: used, limit, start, reset; ?consumer= for those of one',
    access: 'read',
    of: 'quotas',
    query: z.object({ consumer: z.string().optional().describe('Those of one alone') }),
    answers: answered('Those that have been used', 'Quotas'),
    answer: async ({ quotas }, { query }) => described(await quotas.list(query.get('consumer') ?? undefined)),
  },
  {
    method: 'POST',
    path: '/quotas/reset',
    summary: 'Begin the quotas of a consumer anew: {"consumer": "...", "plan": "...", "per": "day"}',
    access: 'admin',
    of: 'quotas',
    body: {
      types: ['application/json'],
      shape: z.object({
        consumer: z.string(),
        plan: z.string().optional(),
        per: z.enum(['day', 'month']).optional(),
      }),
    },
    answers: answered('Those that begin anew', 'Quotas'),
    async answer({ quotas }, request) {
      const body = readJson(request);
      return body.ok ? described(await quotas.reset(body.value)) : body.answer;
    },
  },
];

const STATUS: Readonly<Record<string, number>> = {
  reset_invalid: 422,
  quota_unknown: 404,
  quotas_unavailable: 503,
};

function described(answer: QuotaAnswer): AdminAnswer {
  if (answer.ok) return json(200, { quotas: answer.quotas });
  return problem(STATUS[answer.code] ?? 500, answer.code, answer.message);
}
