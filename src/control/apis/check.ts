import { isRecord } from '../../lib/is-record.ts';
import { builtinPolicies } from '../../policies/registry.ts';
import { parsePattern } from '../../routing/pattern.ts';
import { entriesOf, type Path } from '../config/place.ts';
import { isModulePath } from '../config/policies.ts';
import type { Problem } from '../config/problem.ts';
import { checkReference, namesOf } from '../config/references.ts';
import { forwardedCredentialFields } from './credential-fields.ts';

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

/** The part of `checkMeaning` that is about APIs, functions and organizations. */
export function checkApis(config: Record<string, unknown>, problems: Problem[]): void {
  checkOrganizations(config, problems);
  checkFunctions(config, problems);
  for (const [name, api] of entriesOf(config['apis']))
    if (isRecord(api)) checkApi(api, ['apis', name], problems);
}

function checkFunctions(config: Record<string, unknown>, problems: Problem[]): void {
  const functions = entriesOf(config['functions']);
  if (functions.length === 0) return;
  const services = namesOf(config['services']);
  const credentials = forwardedCredentialFields(config);
  for (const [name, entry] of functions) {
    if (!isRecord(entry)) continue;
    const { service, headers } = entry;
    checkReference(service, services, 'service', ['functions', name, 'service'], problems);
    if (!Array.isArray(headers)) continue;
    headers.forEach((header: unknown, index) => {
      if (typeof header === 'string' && credentials.has(header.toLowerCase()))
        problems.push({
          path: ['functions', name, 'headers', index],
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
  const owners = new Map<string, string>();
  for (const [name, entry] of entriesOf(config['organizations'])) {
    const written = isRecord(entry) ? entry['pathPrefix'] : undefined;
    const prefix = typeof written === 'string' ? written : `/${name}`;
    const path = ['organizations', name, ...(written === undefined ? [] : ['pathPrefix'])];
    const other = owners.get(prefix);
    if (other !== undefined && prefix !== '/')
      problems.push({ path, message: `the organization ${other} has the path prefix ${prefix} already` });
    owners.set(prefix, name);
    const parsed = parsePattern(prefix);
    if (!parsed.ok) problems.push({ path, message: `${prefix}: ${parsed.message}` });
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
