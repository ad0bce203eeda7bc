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
  'https-only': { description: 'Not by plain HTTP: such a request gets 426' },
  'http-only': { description: 'By plain HTTP alone' },
  rate: { value: 'rate', description: 'Requests of each caller in a time, such as 100/min' },
  enable: { description: 'Serve it again' },
  disable: { description: 'Answer 404 at once' },
};

const OPPOSITES = [
  ['https-only', 'http-only'],
  ['enable', 'disable'],
  ['service', 'function'],
] as const;

/** What the flags say of an API, in the words of the configuration. Throws `UsageError` where they contradict each other. */
export function apiFields(given: Given): Fields {
  for (const [one, other] of OPPOSITES)
    if (given.has(one) && given.has(other))
      throw new UsageError(`--${one} and --${other} exclude each other`);
  const fields: Fields = {};
  const lists = { hosts: 'host', paths: 'path', methods: 'method' };
  for (const [name, flag] of Object.entries(lists)) if (given.has(flag)) fields[name] = given.values(flag);
  if (given.has('method')) fields['methods'] = given.values('method').map((method) => method.toUpperCase());
  if (given.has('service')) fields['service'] = given.value('service');
  if (given.has('function')) fields['function'] = given.value('function');
  const how = given.value('auth');
  if (how !== undefined) fields['authentication'] = authentication(how);
  if (given.has('cors')) fields['cors'] = true;
  if (given.has('https-only')) fields['protocols'] = 'https';
  if (given.has('http-only')) fields['protocols'] = 'http';
  if (given.has('rate')) fields['limits'] = { rate: given.value('rate') };
  if (given.has('enable')) fields['enabled'] = true;
  if (given.has('disable')) fields['enabled'] = false;
  return fields;
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
