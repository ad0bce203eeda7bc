import type { Fields } from '../../http/fields.ts';
import { type Answer, definePolicy, type Exchange } from '../../policy/contract.ts';
import { queryValue, withoutParameter } from '../../policy/query.ts';
import { methodOverrideSchema } from './schema.ts';

export const methodOverridePolicy = definePolicy({
  name: 'method-override',
  // First: what follows decides by the method.
  stage: 'admission',
  unique: true,
  schema: methodOverrideSchema,
  create: ({ action }) => ({ onRequest: action === 'refuse' ? refuse : strip }),
});

const REFUSED: Answer = {
  status: 400,
  code: 'method_override_refused',
  detail: 'The request names another method than its own.',
};

const FIELDS: ReadonlySet<string> = new Set(['x-http-method-override', 'x-http-method', 'x-method-override']);
/** How their names begin: what has none of these, as nearly every request, has none of them. */
const BEGINNINGS = ['x-http', 'x_http', 'x-method', 'x_method'] as const;
const PARAMETER = '_method';

function refuse({ request: { fields, search } }: Exchange): Answer | undefined {
  const named = (mayName(fields) && namesOf(fields).length > 0) || hasParameter(search);
  return named ? REFUSED : undefined;
}

function strip({ request }: Exchange): Answer | undefined {
  const { fields } = request;
  if (mayName(fields)) for (const name of namesOf(fields)) fields.delete(name);
  if (!hasParameter(request.upstreamSearch)) return undefined;
  request.upstreamSearch = withoutParameter(request.upstreamSearch, PARAMETER);
  // One between semicolons: to cut it out would change what the others read as one value.
  return hasParameter(request.upstreamSearch) ? REFUSED : undefined;
}

function mayName(fields: Fields): boolean {
  for (let i = 0; i < BEGINNINGS.length; i++) if (fields.hasPrefix(BEGINNINGS[i] as string)) return true;
  return false;
}

/** CGI-style servers read underscores in a name as hyphens. */
function namesOf(fields: Fields): string[] {
  return fields.list.filter((name, at) => at % 3 === 0 && FIELDS.has(name.replaceAll('_', '-')));
}

/** Some servers separate parameters at semicolons, too. */
function hasParameter(search: string): boolean {
  if (search === '') return false;
  return queryValue(search.includes(';') ? search.replaceAll(';', '&') : search, PARAMETER) !== undefined;
}
