import { isRecord } from '../../lib/is-record.ts';
import type { Flag, Given } from '../command-line.ts';
import { UsageError } from './connect.ts';

type Fields = Record<string, unknown>;

/** Flags that say what an API is, for `create` and `edit`. */
export const API_FLAGS: Readonly<Record<string, Flag>> = {
  host: { value: 'name', repeatable: true, description: 'A host that it is served on' },
  path: { value: 'path', repeatable: true, description: 'A path, exact or ending in /*' },
  method: { value: 'method', repeatable: true, description: 'A method' },
  service: { value: 'name', description: 'The service that does it' },
  function: { value: 'name', description: 'The function that does it' },
  auth: {
    value: 'how',
    description: 'Who may call: public, basic, api-key, oidc:<provider>, session:<name>',
  },
  cors: { description: 'Pages of every origin may call it' },
  'no-cors': { description: 'No page of another origin may call it' },
  'https-only': { description: 'Not by plain HTTP: such a request gets 426' },
  'http-only': { description: 'By plain HTTP alone' },
  'http-and-https': { description: 'By plain HTTP and by HTTPS' },
  rate: { value: 'rate', description: 'Requests of each caller in a time, such as 100/min' },
  'no-rate': { description: 'As many requests as callers like' },
  enable: { description: 'Serve it again' },
  disable: { description: 'Answer 404 at once' },
};

const OPPOSITES = [
  ['https-only', 'http-only', 'http-and-https'],
  ['cors', 'no-cors'],
  ['rate', 'no-rate'],
  ['enable', 'disable'],
  ['service', 'function'],
] as const;

/** Whether there is any of them; throws `UsageError` where they contradict each other. */
export function hasApiFlags(given: Given): boolean {
  for (const flags of OPPOSITES) {
    const both = flags.filter((flag) => given.has(flag));
    if (both.length > 1)
      throw new UsageError(`${both.map((flag) => `--${flag}`).join(' and ')} exclude each other`);
  }
  return Object.keys(API_FLAGS).some((flag) => given.has(flag));
}

/** An API as the flags want it. Each takes the place of all that was said of the same, so that nothing of it is left over. */
export function withApiFlags(api: Readonly<Fields>, given: Given): Fields {
  const fields = { ...api };
  if (given.has('host')) fields['hosts'] = given.values('host');
  if (given.has('path')) fields['paths'] = given.values('path');
  if (given.has('method')) fields['methods'] = given.values('method').map((method) => method.toUpperCase());
  if (given.has('service') || given.has('function')) {
    const kind = given.has('service') ? 'service' : 'function';
    delete fields[kind === 'service' ? 'function' : 'service'];
    fields[kind] = given.value(kind);
  }
  const how = given.value('auth');
  if (how !== undefined) fields['authentication'] = authentication(how);
  if (given.has('cors')) fields['cors'] = true;
  if (given.has('no-cors')) fields['cors'] = false;
  if (given.has('https-only')) fields['protocols'] = 'https';
  if (given.has('http-only')) fields['protocols'] = 'http';
  if (given.has('http-and-https')) fields['protocols'] = 'both';
  if (given.has('rate')) fields['limits'] = { ...limitsOf(api), rate: given.value('rate') };
  if (given.has('no-rate')) {
    const { rate: _, ...limits } = limitsOf(api);
    delete fields['limits'];
    if (Object.keys(limits).length > 0) fields['limits'] = limits;
  }
  if (given.has('enable')) fields['enabled'] = true;
  if (given.has('disable')) fields['enabled'] = false;
  return fields;
}

function limitsOf({ limits }: Readonly<Fields>): Readonly<Fields> {
  return isRecord(limits) ? limits : {};
}

/** `oidc:company` and `session:web` stand for the options that they need; the gateway knows the rest. */
function authentication(how: string): unknown {
  const colon = how.indexOf(':');
  if (colon < 0) return how;
  const [kind, name] = [how.slice(0, colon), how.slice(colon + 1)];
  switch (kind) {
    case 'oidc':
      return { oidc: { provider: name } };
    case 'session':
      return { oidc: { session: name } };
    default:
      throw new UsageError(`--auth takes a name after oidc: and session: alone, not ${JSON.stringify(how)}`);
  }
}
