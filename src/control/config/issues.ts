import { safeParse, type z } from 'zod';
import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import { type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** The issues that zod found in `input`, told for the one who wrote it. `base` is the way to `input` in the configuration. */
export function problemsFromIssues(
  issues: readonly Issue[],
  input: unknown,
  schema: z.core.$ZodType,
  base: Path = [],
): Problem[] {
  const problems = issues.flatMap((issue) => problemsFrom(issue, input, schema, base));
  // A misspelt key is missing under its right name too: once is enough.
  const misspelt = new Set(
    problems
      .filter((problem) => problem.suggestion !== undefined && problem.atKey === true)
      .map(({ path, suggestion }) => JSON.stringify([...path.slice(0, -1), suggestion])),
  );
  return misspelt.size === 0
    ? problems
    : problems.filter(
        ({ path, message }) => !message.startsWith('is missing') || !misspelt.has(JSON.stringify(path)),
      );
}

function problemsFrom(issue: Issue, input: unknown, schema: z.core.$ZodType, base: Path): Problem[] {
  const within = issue.path.filter((step) => typeof step !== 'symbol');
  const path = [...base, ...within];
  const value = valueAt(input, within);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schemasAt(schema, within));
      return issue.keys.map((key) => {
        // Of another branch of a union.
        if (known.includes(key))
          return {
            path: [...path, key],
            message: `the key ${JSON.stringify(key)} does not go with what else is written here`,
            atKey: true,
          };
        const suggestion = nearest(key, known);
        const list =
          known.length > 0 && known.length <= 12 && suggestion === undefined
            ? `; known here: ${known.join(', ')}`
            : '';
        return {
          path: [...path, key],
          message: `unknown key ${JSON.stringify(key)}${list}`,
          suggestion,
          atKey: true,
        };
      });
    }
    case 'invalid_type':
      if (value === undefined) return [{ path, message: `is missing: expected ${article(issue.expected)}` }];
      return [
        {
          path,
          message:
            unitMissing(issue.expected, value, schemasAt(schema, within)) ??
            wrongType([issue.expected], value),
        },
      ];
    case 'invalid_value':
      return [notOneOf(path, issue.values.map(String), value)];
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? 'is not a name', atKey: true }];
    case 'invalid_union':
      return fromUnion(issue, path, value, input, schema, base, within);
    case 'too_small':
      if (typeof value === 'string' || Array.isArray(value))
        return [
          {
            path,
            message:
              Number(issue.minimum) === 1 ? 'must not be empty' : `is too short: at least ${issue.minimum}`,
          },
        ];
      return [
        {
          path,
          message: `is too small: ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`,
        },
      ];
    case 'too_big':
      if (typeof value === 'string' || Array.isArray(value))
        return [{ path, message: `is too long: at most ${issue.maximum}` }];
      return [{ path, message: `is too large: at most ${issue.maximum}` }];
    case 'invalid_format':
      return [
        {
          path,
          message: issue.message.startsWith('Invalid URL')
            ? 'is not an address such as http://host:port/path'
            : plainMessage(issue.message),
        },
      ];
    default:
      return [{ path, message: plainMessage(issue.message) }];
  }
}

/** Of the branches of a union, the one that the value was probably meant for; or all that it could have been. */
function fromUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  value: unknown,
  input: unknown,
  schema: z.core.$ZodType,
  base: Path,
  within: Path,
): Problem[] {
  if (value === undefined) return [{ path, message: 'is missing' }];
  const branches = issue.errors;
  if (branches.length === 0) {
    const suggestion = typeof value === 'string' ? nearest(value, literalsAt(schema, within)) : undefined;
    return [{ path, message: plainMessage(issue.message), suggestion }];
  }
  const values = branches.flatMap((branch) =>
    branch.flatMap((found) =>
      found.code === 'invalid_value' && found.path.length === 0 ? found.values : [],
    ),
  );
  const types = branches.flatMap((branch) =>
    branch.flatMap((found) =>
      found.code === 'invalid_type' && found.path.length === 0 ? [found.expected] : [],
    ),
  );
  // Branches whose type fits the value say more than those of another type.
  const fitting = branches.filter(
    (branch) =>
      branch.length > 0 && !branch.some((found) => found.path.length === 0 && found.code === 'invalid_type'),
  );
  const telling = fitting.filter(
    (branch) => !branch.some((found) => found.path.length === 0 && found.code === 'invalid_value'),
  );
  // What says by its kind that it is something else is not what was meant.
  const best = telling.toSorted(
    (a, b) => Number(isOfOtherKind(a)) - Number(isOfOtherKind(b)) || a.length - b.length,
  )[0];
  if (best !== undefined) {
    const suggestion = typeof value === 'string' ? nearest(value, values.map(String)) : undefined;
    return best.flatMap((found) => {
      const told = problemsFrom({ ...found, path: [...within, ...found.path] }, input, schema, base);
      return suggestion === undefined ? told : told.map((problem) => ({ ...problem, suggestion }));
    });
  }
  if (values.length > 0) return [notOneOf(path, values.map(String), value)];
  return [{ path, message: types.length > 0 ? wrongType(types, value) : plainMessage(issue.message) }];
}

function isOfOtherKind(branch: readonly Issue[]): boolean {
  return branch.some((found) => found.path.length === 1 && found.path[0] === 'kind');
}

/** The texts that may stand at a path whichever branch of a union is meant. */
function literalsAt(schema: z.core.$ZodType, path: Path): string[] {
  return schemasAt(schema, path).flatMap((entry) => {
    const { def } = (entry as z.core.$ZodTypes)._zod;
    return def.type === 'literal' ? def.values.map(String) : [];
  });
}

function notOneOf(path: Path, values: readonly string[], value: unknown): Problem {
  if (value === undefined) return { path, message: `is missing: expected ${alternatives(values)}` };
  const suggestion = typeof value === 'string' ? nearest(value, values) : undefined;
  return {
    path,
    message: values.length <= 40 ? `is not ${alternatives(values)}` : 'is not one of the known values',
    suggestion,
  };
}

function alternatives(values: readonly string[]): string {
  if (values.length === 1) return values[0] as string;
  if (values.length === 2) return `${values[0]} or ${values[1]}`;
  return `one of ${values.join(', ')}`;
}

function wrongType(expected: readonly string[], value: unknown): string {
  const wanted = [...new Set(expected.map(article))].join(' or ');
  const hint =
    typeof value === 'string' &&
    /^-?\d+$/.test(value) &&
    expected.some((type) => type === 'number' || type === 'int')
      ? '; write it without quotes'
      : '';
  if (value === null) return `is empty: expected ${wanted}`;
  if (expected.length === 1 && expected[0] === 'int' && typeof value === 'number')
    return 'is not a whole number';
  return `expected ${wanted}, found ${typeName(value)}${hint}`;
}

/** `30` where `30s` is meant: what the text's own schema says of it. */
function unitMissing(
  expected: string,
  value: unknown,
  schemas: readonly z.core.$ZodType[],
): string | undefined {
  if (expected !== 'string' || typeof value !== 'number' || schemas.length !== 1) return undefined;
  const parsed = safeParse(schemas[0] as z.core.$ZodType, String(value));
  const issue = parsed.success ? undefined : parsed.error.issues[0];
  return issue?.code === 'invalid_format' && !issue.message.startsWith('Invalid') ? issue.message : undefined;
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return article(typeof value);
}

function article(type: string): string {
  switch (type) {
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'a map';
    case 'string':
      return 'a text';
    case 'int':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    default:
      return `a ${type}`;
  }
}

function plainMessage(message: string): string {
  return message.startsWith('Invalid') ? message.charAt(0).toLowerCase() + message.slice(1) : message;
}

/** The schemas that may stand at a path: several where a union is on the way. */
function schemasAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType[] {
  let current = unwrap(schema);
  for (const step of path) {
    current = current.flatMap((entry) => {
      const { def } = (entry as z.core.$ZodTypes)._zod;
      if (def.type === 'object' && typeof step === 'string') {
        const inner = Object.hasOwn(def.shape, step) ? def.shape[step] : undefined;
        return inner === undefined ? [] : unwrap(inner);
      }
      if (def.type === 'record') return unwrap(def.valueType);
      return def.type === 'array' ? unwrap(def.element) : [];
    });
  }
  return current;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'nonoptional':
    case 'catch':
      return unwrap(def.innerType);
    case 'pipe':
      return unwrap(def.in);
    case 'union':
      return def.options.flatMap(unwrap);
    default:
      return [schema];
  }
}

function knownKeys(schemas: readonly z.core.$ZodType[]): string[] {
  const keys = schemas.flatMap((schema) => {
    const { def } = (schema as z.core.$ZodTypes)._zod;
    return def.type === 'object' && isRecord(def.shape) ? Object.keys(def.shape) : [];
  });
  return [...new Set(keys)].filter((key) => key !== '$schema');
}
