import { core, type z } from 'zod';
import { nearest } from '../lib/nearest.ts';

export interface PolicyProblem {
  /** Where in the policy's options; empty for the policy itself. */
  readonly path: readonly (string | number)[];
  /** Without the path, such as `is not a known option: did you mean origins?`. */
  readonly message: string;
}

/** Options as the schema reads them; none at all, as in `- cors:`, are read as `{}`. */
export async function parseOptions(
  schema: z.ZodType,
  options: unknown,
): Promise<z.ZodSafeParseResult<unknown>> {
  const written = options ?? {};
  try {
    return schema.safeParse(written);
  } catch (error) {
    // Asynchronous only where the schema is: the other way is several times faster.
    if (error instanceof core.$ZodAsyncError) return schema.safeParseAsync(written);
    throw error;
  }
}

/** Everything that a schema found wrong, unknown keys one by one with what may have been meant. */
export function problemsOf(schema: z.ZodType, error: z.ZodError): readonly PolicyProblem[] {
  return error.issues.flatMap((issue) => fromIssue(schema, issue));
}

function fromIssue(schema: z.ZodType, issue: z.core.$ZodIssue): readonly PolicyProblem[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  // A record's key: what its own schema says of it.
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message }));
  if (issue.code === 'invalid_union') {
    // The member that took the value for its own kind knows what is wrong with it; the others only say that it is not theirs.
    const near = issue.errors.find(
      (errors) => !errors.some((error) => error.code === 'invalid_type' && error.path.length === 0),
    );
    if (near !== undefined) {
      return near.flatMap((error) => fromIssue(schema, { ...error, path: [...issue.path, ...error.path] }));
    }
  }
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const known = keysAt(schema, path);
  return issue.keys.map((key) => {
    const near = nearest(key, known);
    const hint =
      near !== undefined
        ? `: did you mean ${near}?`
        : known.length > 0
          ? `: the options are ${known.join(', ')}`
          : '';
    return { path: [...path, key], message: `is not a known option${hint}` };
  });
}

/** The keys that the schema knows at that path; none where it is not an object of fixed keys. */
function keysAt(schema: z.ZodType, path: readonly (string | number)[]): readonly string[] {
  let at: Def | undefined = unwrap(schema);
  for (const key of path) {
    if (at?.shape !== undefined) at = unwrap(at.shape[key]);
    else at = unwrap(at?.element ?? at?.valueType);
  }
  return Object.keys(at?.shape ?? {});
}

interface Def {
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly options?: readonly unknown[];
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly valueType?: unknown;
}

/** Through optional, default, prefault and transforms, to what they wrap; of what may be of several kinds, to the one with keys. */
function unwrap(schema: unknown): Def | undefined {
  let def = (schema as { readonly def?: Def } | undefined)?.def;
  while (def?.innerType !== undefined || def?.in !== undefined) {
    def = ((def.innerType ?? def.in) as { readonly def?: Def }).def;
  }
  return def?.options?.map(unwrap).find((option) => option?.shape !== undefined) ?? def;
}
