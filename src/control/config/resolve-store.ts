import { isRecord } from '../../lib/is-record.ts';
import { type StoreSettings, storeSchema } from '../store/schema.ts';
import type { FileReader } from './files.ts';
import type { Path } from './place.ts';
import type { Problem } from './problem.ts';
import type { Secrets } from './secrets.ts';

/** Shorter ones can be guessed. */
const MIN_KEY_CHARS = 32;

/** `store` of a configuration, ready to be used; undefined where it is wrong. What no schema says becomes problems, the rest is the schema's to tell. */
export async function resolvedStore(
  written: unknown,
  {
    secrets,
    files,
    problems,
  }: {
    readonly secrets: Secrets;
    readonly files: FileReader;
    readonly problems: Problem[];
  },
): Promise<StoreSettings | undefined> {
  const parsed = storeSchema.safeParse((isRecord(written) ? written['store'] : undefined) ?? {});
  if (!parsed.success) return undefined;
  const { enabled, sqlite, postgres, key, poll, snapshot, revisions } = parsed.data;
  const before = problems.length;
  const keys: string[] = [];
  for (const [at, text] of keysOf(key)) {
    const path: Path = ['store', 'key', ...at];
    const found = await secrets.text(text, path);
    if (found === undefined) continue;
    if (found.length < MIN_KEY_CHARS)
      problems.push({ path, message: `is shorter than ${MIN_KEY_CHARS} characters` });
    keys.push(found);
  }
  const others = { enabled, keys, pollMs: poll, snapshotFile: files.absolute(snapshot), revisions };
  if (postgres === undefined) {
    const place = { kind: 'sqlite', file: files.absolute(sqlite?.file ?? 'portcullis.db') } as const;
    return problems.length > before ? undefined : { ...others, place };
  }
  const path = ['store', 'postgres', 'url'];
  const url = await secrets.text(postgres.url, path);
  // Never quoted: it may hold a password.
  if (url !== undefined && !isAddress(url))
    problems.push({
      path,
      message: 'is not the address of a database: write postgresql://user@host:5432/database',
    });
  if (problems.length > before || url === undefined) return undefined;
  const { schema, timeout } = postgres;
  return { ...others, place: { kind: 'postgres', url, schema, timeoutMs: timeout } };
}

function keysOf(key: string | readonly string[] | undefined): (readonly [at: Path, text: string])[] {
  if (key === undefined) return [];
  return typeof key === 'string' ? [[[], key]] : key.map((text, index) => [[index], text]);
}

function isAddress(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text);
}
