import type { z } from 'zod';
import { problemsFromIssues } from '../../config/issues.ts';
import { dottedPath } from '../../config/place.ts';
import type { ConfigurationManager } from '../../manager/manager.ts';
import { type AdminAnswer, problem } from '../answer.ts';
import type { AdminRequest, Endpoint, GatewayControl } from '../endpoint.ts';

/** What an endpoint of `/v1` answers from. */
export interface Call<Path, Query> {
  readonly gateway: GatewayControl;
  readonly configuration: ConfigurationManager;
  readonly request: AdminRequest;
  readonly path: Path;
  readonly query: Query;
}

interface Definition<Path extends z.ZodObject, Query extends z.ZodObject>
  extends Omit<Endpoint, 'answer' | 'parameters' | 'query'> {
  readonly parameters: Path;
  /** Strict: a parameter that is not known is refused. */
  readonly query: Query;
  readonly answer: (call: Call<z.output<Path>, z.output<Query>>) => AdminAnswer | Promise<AdminAnswer>;
}

/** An endpoint whose parameters are read by the schemas that describe them. */
export function define<Path extends z.ZodObject, Query extends z.ZodObject>(
  definition: Definition<Path, Query>,
): Endpoint {
  const { parameters, query, answer } = definition;
  return {
    ...definition,
    answer(gateway, request) {
      const configuration = gateway.configuration();
      if (configuration === undefined) return unavailable('No configuration is in force yet');
      const path = parameters.safeParse(readValues(parameters, Object.entries(request.parameters)));
      if (!path.success) return problem(404, 'not_found', 'There is nothing at this path');
      const doubled = [...request.query.keys()].find((name) => request.query.getAll(name).length > 1);
      if (doubled !== undefined)
        return refusedParameters([{ parameter: doubled, message: 'is there more than once' }]);
      const values = readValues(query, request.query);
      const asked = query.safeParse(values);
      if (!asked.success) {
        return refusedParameters(
          problemsFromIssues(asked.error.issues, values, query).map(({ path: at, message, suggestion }) => ({
            parameter: dottedPath(at),
            message,
            ...(suggestion === undefined ? undefined : { suggestion }),
          })),
        );
      }
      return answer({ gateway, configuration, request, path: path.data, query: asked.data });
    },
  };
}

/** 503; it may be tried again. */
export function unavailable(reason: string): AdminAnswer {
  return problem(503, 'store_unavailable', reason, {}, { 'retry-after': '5' });
}

function refusedParameters(errors: readonly object[]): AdminAnswer {
  return problem(400, 'parameter_invalid', 'A parameter of the query is wrong', { errors });
}

/** Parameters are texts: those that the schema has as numbers or as true and false are read as such, where they are written so. */
function readValues(schema: z.ZodObject, pairs: Iterable<[string, string]>): Record<string, unknown> {
  const values: [string, unknown][] = [];
  for (const [name, text] of pairs) {
    const shape = Object.hasOwn(schema.shape, name) ? innermost(schema.shape[name] as z.ZodType) : undefined;
    values.push([name, readValue(shape?.type, text)]);
  }
  return Object.fromEntries(values);
}

function readValue(type: string | undefined, text: string): unknown {
  if (type === 'number' && /^\d{1,15}$/.test(text)) return Number(text);
  // A flag may stand alone: ?dry-run
  if (type === 'boolean' && (text === '' || text === 'true')) return true;
  if (type === 'boolean' && text === 'false') return false;
  return text;
}

function innermost(schema: z.ZodType): z.ZodType {
  const { def } = schema as unknown as { readonly def: { readonly innerType?: z.ZodType } };
  return def.innerType === undefined ? schema : innermost(def.innerType);
}
