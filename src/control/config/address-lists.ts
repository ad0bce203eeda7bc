import { readAddressList } from '../../lib/address-list.ts';
import { buildTable, type SortedRanges, sortRanges } from '../../lib/address-table.ts';
import { type Cidr, parseCidr } from '../../lib/cidr.ts';
import { countryRanges } from '../../lib/country-ranges.ts';
import { isRecord } from '../../lib/is-record.ts';
import type { AddressListData } from '../../policies/address-lists.ts';
import { digest, type FileReader, MAX_DATABASE_BYTES, MAX_FILE_BYTES } from './files.ts';
import { entriesOf, type Path } from './place.ts';
import type { Problem } from './problem.ts';
import { SourceText } from './source-text.ts';

/** A list that is ready for the workers, with what the checks of policies look at. */
export interface LoadedList {
  readonly data: AddressListData;
  readonly kind: AddressListData['kind'];
  /** As they are written, the narrow within the wide too. */
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
  { addresses, file, countries, database }: Record<string, unknown>,
  path: Path,
  context: AddressListsContext,
  known: LoadedList | undefined,
): Promise<LoadedList | undefined> {
  if (Array.isArray(addresses)) return fromAddresses(addresses, known);
  if (typeof file === 'string') return fromFile(file, [...path, 'file'], context, known);
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

async function fromFile(
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
  if (isKnown(known, 'addresses', contents)) return known;
  const { ranges, faults } = readAddressList(text);
  if (faults.length === 0) return compiled('addresses', contents, known, () => ranges);
  const source = new SourceText(files.absolute(file), text);
  for (const { message, start, end } of faults.slice(0, MAX_TOLD))
    problems.push({ path, within: { source, start, end }, message });
  const untold = faults.length - MAX_TOLD;
  if (untold > 0) problems.push({ path, message: `${untold} further lines of the file are wrong` });
  return undefined;
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

/** `contents` tells lists of one kind apart. */
function compiled(
  kind: AddressListData['kind'],
  contents: string,
  known: LoadedList | undefined,
  read: () => readonly Cidr[],
): LoadedList {
  if (isKnown(known, kind, contents)) return known;
  const ranges = sortRanges(read());
  return { kind, data: { kind, digest: contents, table: buildTable(ranges) }, ranges };
}
