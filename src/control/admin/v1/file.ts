import { z } from 'zod';
import type { ChangeProblem } from '../../manager/manager.ts';
import { type AdminAnswer, json } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { MAX_BODY_BYTES, TYPES } from './apply.ts';
import { OUTCOMES_ANSWERS, outcomesAnswer } from './compare.ts';
import { type Call, define } from './define.ts';
import { whileReachable } from './history.ts';
import { type ProblemView, problemView, refused } from './outcomes.ts';
import { readMap } from './read-body.ts';

const none = z.strictObject({});
const shared = {
  method: 'POST',
  // It may name files and variables of the machine, and modules that are loaded then.
  access: 'admin',
  parameters: none,
  query: none,
  body: {
    types: TYPES,
    shape: { component: 'File' },
    maxBytes: MAX_BODY_BYTES,
    example: {
      listeners: { http: { port: 8080 } },
      services: { orders: { url: 'http://127.0.0.1:3000' } },
    },
  },
} as const;

/**
 * What would be if the gateway had another file in place of its own: with what its store has, on its machine, in its environment. Nothing is
 * changed. So a pipeline that brings a new file out knows before what the gateway will say of it.
 */
export const FILE: readonly Endpoint[] = [
  define({
    ...shared,
    path: '/v1/file/check',
    summary: 'What is wrong with a configuration file, taken together with what the store has',
    answers: { 200: { description: 'What was found', shape: { component: 'Check' } } },
    answer: (call) => whileReachable(() => check(call)),
  }),
  define({
    ...shared,
    path: '/v1/file/outcomes',
    summary: 'Which requests change their outcome if this becomes the configuration file',
    answers: OUTCOMES_ANSWERS,
    answer: (call) => whileReachable(() => compare(call)),
  }),
];

async function check({ configuration, request }: Call<unknown, unknown>): Promise<AdminAnswer> {
  const body = await readMap(request, TYPES);
  if (!body.ok) return body.answer;
  const { problems } = await configuration.tryFile(body.value);
  const [errors, warnings] = [viewsOf(problems, 'error'), viewsOf(problems, 'warning')];
  return json(200, { ok: errors.length === 0, errors, warnings });
}

async function compare({ configuration, request }: Call<unknown, unknown>): Promise<AdminAnswer> {
  const body = await readMap(request, TYPES);
  if (!body.ok) return body.answer;
  const { before, after, problems } = await configuration.tryFile(body.value);
  return after === undefined ? refused(viewsOf(problems, 'error')) : outcomesAnswer(before, after);
}

function viewsOf(problems: readonly ChangeProblem[], wanted: ChangeProblem['severity']): ProblemView[] {
  return problems
    .filter(({ severity }) => severity === wanted)
    .map((found) =>
      problemView(found, found.file === undefined ? 'configuration' : { collection: '', name: '' }),
    );
}
