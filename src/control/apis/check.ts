import { isRecord } from '../../lib/is-record.ts';
import { builtinPolicies } from '../../policies/registry.ts';
import { parsePattern } from '../../routing/pattern.ts';
import { entriesOf, type Path } from '../config/place.ts';
import { isModulePath } from '../config/policies.ts';
import type { Problem } from '../config/problem.ts';
import { checkReference, namesOf } from '../config/references.ts';
import { forwardedCredentialFields } from './credential-fields.ts';
import { pathPrefixOf } from './path-prefix.ts';

/** Collections whose entries may belong to an organization. */
const OWNED = [
  'certificates',
  'services',
  'routes',
  'apis',
  'functions',
  'lists',
  'plans',
  'consumers',
  'providers',
  'sessions',
] as const;

/** The part of `checkMeaning` that is about APIs, functions and organizations. `apiOf` are the APIs of routes that were made of one. */
export function checkApis(
  config: Record<string, unknown>,
  apiOf: ReadonlyMap<string, string>,
  problems: Problem[],
): void {
  checkOrganizations(config, problems);
  checkFunctions(config, problems);
  checkCalls(config, apiOf, problems);
  for (const [name, api] of entriesOf(config['apis']))
    if (isRecord(api)) checkApi(api, ['apis', name], problems);
}

function checkFunctions(config: Record<string, unknown>, problems: Problem[]): void {
  const functions = entriesOf(config['functions']);
  if (functions.length === 0) return;
  const services = namesOf(config['services']);
  for (const [name, entry] of functions)
    if (isRecord(entry))
      checkReference(entry['service'], services, 'service', ['functions', name, 'service'], problems);
}

/** Whatever calls a function: an entry of `functions`, and the policy `function` wherever it stands. */
function checkCalls(
  config: Record<string, unknown>,
  apiOf: ReadonlyMap<string, string>,
  problems: Problem[],
): void {
  const calls: (readonly [call: unknown, path: Path])[] = [];
  const addUses = (uses: unknown, path: Path) => {
    if (Array.isArray(uses))
      uses.forEach((use: unknown, index) => {
        if (isRecord(use) && use['function'] !== undefined)
          calls.push([use['function'], [...path, index, 'function']]);
      });
  };
  for (const [name, entry] of entriesOf(config['functions'])) calls.push([entry, ['functions', name]]);
  addUses(config['policies'], ['policies']);
  for (const [name, api] of entriesOf(config['apis']))
    if (isRecord(api)) addUses(api['policies'], ['apis', name, 'policies']);
  for (const [name, route] of entriesOf(config['routes']))
    if (isRecord(route) && !apiOf.has(name)) addUses(route['policies'], ['routes', name, 'policies']);
  if (calls.length === 0) return;
  const credentials = forwardedCredentialFields(config);
  for (const [call, path] of calls) {
    const headers = isRecord(call) ? call['headers'] : undefined;
    if (!Array.isArray(headers)) continue;
    headers.forEach((header: unknown, index) => {
      if (typeof header === 'string' && credentials.has(header.toLowerCase()))
        problems.push({
          path: [...path, 'headers', index],
          message: 'carries credentials, which a policy takes there and leaves: no function is told of them',
        });
    });
  }
}

function checkOrganizations(config: Record<string, unknown>, problems: Problem[]): void {
  const organizations = namesOf(config['organizations']);
  for (const collection of OWNED)
    for (const [name, entry] of entriesOf(config[collection]))
      if (isRecord(entry) && entry['organization'] !== undefined)
        checkReference(
          entry['organization'],
          organizations,
          'organization',
          [collection, name, 'organization'],
          problems,
        );
  checkPrefixes(entriesOf(config['organizations']), problems);
}

interface Prefix {
  readonly organization: string;
  readonly text: string;
  readonly path: Path;
}

/** What is below one prefix is below no other: else whose a path is would depend on who was there first. `/` alone is none. */
function checkPrefixes(
  organizations: readonly (readonly [name: string, entry: unknown])[],
  problems: Problem[],
): void {
  const prefixes: Prefix[] = [];
  for (const [organization, entry] of organizations) {
    const written = isRecord(entry) ? entry['pathPrefix'] : undefined;
    const text = pathPrefixOf(organization, entry);
    const path = ['organizations', organization, ...(written === undefined ? [] : ['pathPrefix'])];
    const parsed = parsePattern(text);
    if (!parsed.ok) problems.push({ path, message: `${text}: ${parsed.message}` });
    else if (text !== '/') prefixes.push({ organization, text, path });
  }
  const owners = new Map<string, Prefix>();
  const tell = (prefix: Prefix, other: Prefix, message: string) =>
    // The message says nothing of the other: whoever reads it need not know of that.
    problems.push({ path: prefix.path, message, related: ['organizations', other.organization] });
  for (const prefix of prefixes) {
    const other = owners.get(prefix.text);
    if (other === undefined) owners.set(prefix.text, prefix);
    else
      for (const [one, another] of [
        [other, prefix],
        [prefix, other],
      ] as const)
        tell(one, another, `another organization has the path prefix ${prefix.text}, too`);
  }
  for (const prefix of owners.values())
    for (
      let slash = prefix.text.lastIndexOf('/');
      slash > 0;
      slash = prefix.text.lastIndexOf('/', slash - 1)
    ) {
      const outer = owners.get(prefix.text.slice(0, slash));
      if (outer === undefined) continue;
      tell(prefix, outer, `${prefix.text} is below the path prefix of another organization`);
      tell(outer, prefix, `the path prefix of another organization is below ${outer.text}`);
    }
}

const DOCUMENT_ONLY = ['basePath', 'validate'] as const;
const WITHOUT_DOCUMENT = ['paths', 'methods'] as const;

function checkApi(api: Readonly<Record<string, unknown>>, path: Path, problems: Problem[]): void {
  const refuse = (key: string, message: string) =>
    problems.push({ path: [...path, key], message, atKey: true });
  const others = api['openapi'] === undefined ? DOCUMENT_ONLY : WITHOUT_DOCUMENT;
  for (const key of others)
    if (api[key] !== undefined)
      refuse(
        key,
        api['openapi'] === undefined
          ? 'is for an API with openapi'
          : 'is for an API without openapi: the document says it',
      );
  if (api['service'] !== undefined && api['function'] !== undefined)
    refuse('function', 'is one too many: the API has a service already');
  checkAuthentication(api['authentication'], [...path, 'authentication'], problems);
}

/** Else whoever reads `authentication` would take the API for one that asks who calls. */
function checkAuthentication(authentication: unknown, path: Path, problems: Problem[]): void {
  if (!isRecord(authentication) || authentication['oidc'] !== undefined) return;
  for (const name of Object.keys(authentication)) {
    const policy = isModulePath(name) ? undefined : builtinPolicies.get(name);
    if (policy !== undefined && policy.stage !== 'authentication')
      problems.push({
        path: [...path, name],
        message: `is no authentication: write the policy ${name} among the policies of the API`,
        atKey: true,
      });
  }
}
