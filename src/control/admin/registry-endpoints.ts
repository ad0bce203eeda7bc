import { z } from 'zod';
import {
  registrationSchema,
  targetKeySchema,
  targetStateSchema,
} from '../../upstream/discovery/registry/registration.ts';
import { type AdminAnswer, json, problem } from './answer.ts';
import {
  type AdminRequest,
  answered,
  type Endpoint,
  type GatewayControl,
  type RegistryAnswer,
  type RegistryCalls,
  readJson,
} from './endpoint.ts';

type Change = (registry: RegistryCalls, input: unknown) => RegistryAnswer | Promise<RegistryAnswer>;

/** Targets that register themselves: docs/service-discovery.md. */
export const REGISTRY_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/registry',
    summary: 'Targets that registered themselves; ?service= for those of one',
    access: 'read',
    of: 'registry',
    query: z.object({ service: z.string().optional().describe('Those of one alone') }),
    answers: answered('All of them', 'RegisteredTargets'),
    answer: list,
  },
  change(
    '/registry/register',
    'Register a target, or renew and change it',
    registrationSchema,
    (registry, input) => registry.register(input),
  ),
  change('/registry/heartbeat', 'Renew a target', targetKeySchema, (registry, input) =>
    registry.heartbeat(input),
  ),
  change('/registry/state', 'Drain a target, or take it in again', targetStateSchema, (registry, input) =>
    registry.setState(input),
  ),
  change('/registry/deregister', 'Take a target out', targetKeySchema, (registry, input) =>
    registry.deregister(input),
  ),
];

const STATUS: Readonly<Record<string, number>> = {
  registration_invalid: 422,
  target_unknown: 404,
  registry_full: 507,
  registry_not_saved: 500,
};

function list({ registry }: GatewayControl, { query }: AdminRequest): AdminAnswer {
  return json(200, { targets: registry.list(query.get('service') ?? undefined) });
}

function change(path: string, summary: string, shape: z.ZodType, make: Change): Endpoint {
  return {
    method: 'POST',
    path,
    summary,
    access: 'write',
    of: 'registry',
    body: { types: ['application/json'], shape },
    answers: answered('The target as it is now', 'RegisteredTarget'),
    async answer({ registry }, request) {
      const body = readJson(request);
      if (!body.ok) return body.answer;
      const result = await make(registry, body.value);
      if (result.ok) return json(200, result.target);
      return problem(STATUS[result.code] ?? 500, result.code, result.message);
    },
  };
}
