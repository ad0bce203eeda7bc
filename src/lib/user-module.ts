/**
 * What a user's own module exports under a name. `what` begins messages: `the policy ./own.ts`; `example` ends one. Rejects with an Error whose
 * message tells the user what to change.
 */
export async function loadUserModule(
  what: string,
  url: string,
  exported: string,
  example: string,
): Promise<unknown> {
  // Not before it is needed: whoever has no module of their own pays nothing for the hook.
  await import('./reload-hooks.ts');
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(url);
  } catch (error) {
    throw new Error(`${what} cannot be loaded: ${reasonOf(error)}`, { cause: error });
  }
  if (exported in module) return module[exported];
  const others = Object.keys(module).filter((key) => key !== 'default');
  const found =
    others.length > 0 ? `, only ${others.join(', ')}` : 'default' in module ? ', only a default export' : '';
  throw new Error(`${what} has no export named ${exported}${found}: write ${example}`);
}

/** What a value is, for messages about a module that exports the wrong thing. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return typeof value === 'string' ? JSON.stringify(value) : typeof value;
}

/** What went wrong, with file and line where the runtime says them, without the version of the module's address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = withoutVersion(error.message);
  // A syntax error's stack begins with file:line; of what the module threw, the first frame in a versioned file is the place.
  const stack = error.stack ?? '';
  const place =
    AT_BEGINNING.exec(withoutVersion(stack))?.[1] ?? withoutVersion(IN_FRAME.exec(stack)?.[1] ?? '');
  return place === '' || message.includes(place) ? message : `${message} (${place})`;
}

const AT_BEGINNING = /^(?:file:\/\/)?(\/.*:\d+)\n/;
const IN_FRAME = /^\s+at (?:.*\()?file:\/\/(\/[^()\n]*\?v=[\w-]+:\d+):\d+\)?$/m;

function withoutVersion(text: string): string {
  return text.replaceAll(/\?v=[\w-]+/g, '');
}
