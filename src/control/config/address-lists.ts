import { type ListFault, readAddressList } from '../../lib/address-list.ts';
import { buildTable, type SortedRanges, sortRanges } from '../../lib/address-table.ts';
import { type Cidr, parseCidr } from '../../lib/cidr.ts';
import { countryRanges } from '../../lib/country-ranges.ts';
import { isRecord } from '../../lib/is-record.ts';
import { readTextList, textFault } from '../../lib/text-list.ts';
import { buildTextTable } from '../../lib/text-table.ts';
import type { ListData, ListKind } from '../../policies/address-lists.ts';
import { digest, type FileReader, MAX_DATABASE_BYTES, MAX_FILE_BYTES } from './files.ts';
import { entriesOf, type Path } from './place.ts';
import type { Problem } from './problem.ts';
import { SourceText } from './source-text.ts';

/** A list that is ready for the workers, with what the checks of policies look at. */
export interface LoadedList {
  readonly data: ListData;
  readonly kind: ListKind;
  /** Of addresses, as they are written, the narrow within the wide too. */
  readonly ranges: SortedRanges;
}

export type LoadedLists = ReadonlyMap<string, LoadedList>;

export interface AddressListsContext {
  readonly files: FileReader;
  readonly problems: Problem[];
  /** Lists of the last load: one whose digest is the same is taken over. */
  readonly known: LoadedLists;
}

/** Further faults of a file are counted, not told. */
const MAX_TOLD = 20;

/**
 * Reads `lists` as it was written, with the files that it names. What is wrong becomes problems; such a list is empty, so that who names it is
 * not told besides that it is not there.
 */
export async function loadAddressLists(lists: unknown, context: AddressListsContext): Promise<LoadedLists> {
  const loaded = new Map<string, LoadedList>();
  for (const [name, entry] of entriesOf(lists)) {
    const list = isRecord(entry)
      ? await load(entry, ['lists', name], context, context.known.get(name))
      : undefined;
    loaded.set(name, list ?? compiled('addresses', '', undefined, () => []));
  }
  return loaded;
}

async function load(
  { addresses, texts, prefixes, file, holds, countries, database }: Record<string, unknown>,
  path: Path,
  context: AddressListsContext,
  known: LoadedList | undefined,
): Promise<LoadedList | undefined> {
  if (Array.isArray(addresses)) return fromAddresses(addresses, known);
  if (Array.isArray(texts)) return fromTexts('texts', texts, known);
  if (Array.isArray(prefixes)) return fromTexts('prefixes', prefixes, known);
  if (typeof file === 'string') {
    const kind = holds === 'texts' || holds === 'prefixes' ? holds : 'addresses';
    return fromFile(kind, file, [...path, 'file'], context, known);
  }
  if (Array.isArray(countries) && typeof database === 'string')
    return fromDatabase(database, countries, [...path, 'database'], context, known);
  return undefined;
}

/** What is no address is the schema's to tell. */
function fromAddresses(addresses: readonly unknown[], known: LoadedList | undefined): LoadedList | undefined {
  const ranges = addresses.flatMap((text): Cidr[] => {
    const range = typeof text === 'string' ? parseCidr(text) : undefined;
    return range?.kind === 'range' ? [range] : [];
  });
  return ranges.length === addresses.length
    ? compiled('addresses', digest(JSON.stringify(addresses)), known, () => ranges)
    : undefined;
}

/** What is no such text is the schema's to tell. */
function fromTexts(
  kind: 'texts' | 'prefixes',
  texts: readonly unknown[],
  known: LoadedList | undefined,
): LoadedList | undefined {
  const good = texts.filter((text) => typeof text === 'string' && textFault(text) === undefined) as string[];
  return good.length === texts.length
    ? compiledTexts(kind, digest(JSON.stringify(texts)), known, good)
    : undefined;
}

async function fromFile(
  kind: 'addresses' | 'texts' | 'prefixes',
  file: string,
  path: Path,
  { files, problems }: AddressListsContext,
  known: LoadedList | undefined,
): Promise<LoadedList | undefined> {
  const read = await files.read(file, MAX_FILE_BYTES);
  if (!read.ok) {
    problems.push({ path, message: `the file ${files.absolute(file)} ${read.reason}` });
    return undefined;
  }
  const { text } = read;
  const contents = digest(text);
  if (isKnown(known, kind, contents)) return known;
  const [list, faults] = readFile(kind, text, contents, known);
  if (faults.length === 0) return list;
  const source = new SourceText(files.absolute(file), text);
  for (const { message, start, end } of faults.slice(0, MAX_TOLD))
    problems.push({ path, within: { source, start, end }, message });
  const untold = faults.length - MAX_TOLD;
  if (untold > 0) problems.push({ path, message: `${untold} further lines of the file are wrong` });
  return undefined;
}

function readFile(
  kind: 'addresses' | 'texts' | 'prefixes',
  text: string,
  contents: string,
  known: LoadedList | undefined,
): readonly [list: LoadedList, faults: readonly ListFault[]] {
  if (kind === 'addresses') {
    const { ranges, faults } = readAddressList(text);
    return [compiled(kind, contents, known, () => ranges), faults];
  }
  const { texts, faults } = readTextList(text);
  return [compiledTexts(kind, contents, known, texts), faults];
}

async function fromDatabase(
  database: string,
  countries: readonly unknown[],
  path: Path,
  { files, problems }: AddressListsContext,
  known: LoadedList | undefined,
): Promise<LoadedList | undefined> {
  const file = files.absolute(database);
  const read = await files.bytes(database, MAX_DATABASE_BYTES);
  if (!read.ok) {
    problems.push({ path, message: `the file ${file} ${read.reason}` });
    return undefined;
  }
  const { bytes } = read;
  const codes = new Set(countries.map(String));
  try {
    return compiled('countries', digest(`${[...codes].join()} ${digest(bytes)}`), known, () =>
      countryRanges(bytes, codes),
    );
  } catch {
    // What the reader says of it would tell nobody what to do.
    problems.push({ path, message: `the file ${file} is no database in MaxMind’s format, or it is broken` });
    return undefined;
  }
}

function isKnown(
  known: LoadedList | undefined,
  kind: LoadedList['kind'],
  contents: string,
): known is LoadedList {
  return known?.kind === kind && known.data.digest === contents;
}

function compiledTexts(
  kind: 'texts' | 'prefixes',
  contents: string,
  known: LoadedList | undefined,
  texts: readonly string[],
): LoadedList {
  if (isKnown(known, kind, contents)) return known;
  return { kind, data: { kind, digest: contents, table: buildTextTable(texts, kind) }, ranges: NO_RANGES };
}

const NO_RANGES = sortRanges([]);

/** `contents` tells lists of one kind apart. */
function compiled(
  kind: 'addresses' | 'countries',
  contents: string,
  known: LoadedList | undefined,
  read: () => readonly Cidr[],
): LoadedList {
  if (isKnown(known, kind, contents)) return known;
  const ranges = sortRanges(read());
  return { kind, data: { kind, digest: contents, table: buildTable(ranges) }, ranges };
}
