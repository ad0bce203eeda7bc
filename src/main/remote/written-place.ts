import { membersOf } from '../../control/admin/v1/pointer.ts';
import { formatErrors } from '../../control/config/format.ts';
import { type Path, valueAt } from '../../control/config/place.ts';
import { type ConfigSource, locateProblems } from '../../control/config/source.ts';
import type { Io } from '../command-line.ts';
import { AdminFailure, type Found, placeText } from './admin-client.ts';

/** What somebody wrote and is sent. */
export interface Written<Value> {
  readonly value: Value;
  /** Where a place of what is sent was written; undefined: nowhere. */
  readonly place: (members: Path) => { readonly source: ConfigSource; readonly path: Path } | undefined;
}

/** Does a call; what the gateway finds wrong is told with its place in the file of whoever wrote it. */
export async function located<Result>(
  written: Written<unknown>,
  io: Io,
  call: () => Promise<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof AdminFailure) || error.refusal === undefined) throw error;
    const { title, errors } = error.refusal;
    const lines = errors.map((found) => textAt(found, written, io));
    throw new AdminFailure([title, ...lines].join('\n'), error.refusal);
  }
}

function textAt(found: Found, sent: Written<unknown>, { cwd, errTerminal, color }: Io): string {
  const { pointer, message, suggestion } = found;
  const written = typeof pointer === 'string' ? sent.place(membersOf(pointer)) : undefined;
  if (written === undefined || typeof message !== 'string') return placeText(found);
  const { source } = written;
  const problem = {
    path: withIndices(source.value, written.path),
    message,
    atKey: message.startsWith('unknown key'),
    suggestion: typeof suggestion === 'string' ? suggestion : undefined,
  };
  return formatErrors(locateProblems(source, [problem]), { cwd, color: errTerminal && color });
}

/** Places in lists as numbers. */
function withIndices(value: unknown, path: Path): Path {
  return path.map((step, depth) =>
    Array.isArray(valueAt(value, path.slice(0, depth))) ? Number(step) : step,
  );
}
