import { stepsOf } from '../../control/admin/v1/pointer.ts';
import { FileReader } from '../../control/config/files.ts';
import { LoadCache } from '../../control/config/load-cache.ts';
import type { ConfigError } from '../../control/config/problem.ts';
import { readSource } from '../../control/config/read-source.ts';
import { type ConfigSource, locateProblems } from '../../control/config/source.ts';
import { isRecord } from '../../lib/is-record.ts';
import type { Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from './admin-client.ts';

/** What a running gateway says of a file that would take the place of its own. */
export interface FileVerdict {
  /** The configuration that was sent; undefined where it could not be read. */
  readonly sent: Readonly<Record<string, unknown>> | undefined;
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigError[];
}

/** `file` is absolute. What is found in it is told with its places in it. Rejects with `AdminFailure`. */
export async function tryFile(client: AdminClient, file: string, io: Io): Promise<FileVerdict> {
  const read = await readSource(file, new FileReader(file), new LoadCache(), { env: io.env });
  if (!read.ok) return { sent: undefined, errors: read.errors, warnings: [] };
  const { source } = read;
  if (!isRecord(source.value)) {
    const message = 'a configuration is a map: listeners, services, routes and so on';
    return { sent: undefined, errors: locateProblems(source, [{ path: [], message }]), warnings: [] };
  }
  const { body } = await client.call('POST', '/v1/file/check', { body: source.value });
  if (!isRecord(body) || !Array.isArray(body['errors']) || !Array.isArray(body['warnings']))
    throw new AdminFailure('the gateway answered something else than a check: is it another version?');
  return {
    sent: source.value,
    errors: located(source, body['errors'], 'error'),
    warnings: located(source, body['warnings'], 'warning'),
  };
}

/** Those without a file are of the one that was sent. */
function located(
  source: ConfigSource,
  found: readonly unknown[],
  severity: ConfigError['severity'],
): ConfigError[] {
  const all = found.filter(isRecord).map(({ path, message, suggestion, file, line, column }) => ({
    severity,
    path: textOf(path),
    message: textOf(message),
    ...(typeof suggestion === 'string' ? { suggestion } : undefined),
    ...(typeof file === 'string'
      ? { elsewhere: { file, line: numberOf(line), column: numberOf(column) } }
      : undefined),
  }));
  const own = all.filter(({ elsewhere }) => elsewhere === undefined);
  return [
    ...locateProblems(
      source,
      own.map(({ path, ...problem }) => ({ ...problem, path: stepsOf(path) })),
    ),
    ...all.flatMap(({ elsewhere, ...problem }) =>
      elsewhere === undefined ? [] : [{ ...problem, ...elsewhere, text: '' }],
    ),
  ];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** From 1. */
function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 1;
}
