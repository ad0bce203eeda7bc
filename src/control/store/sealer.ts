import type { Path } from '../config/place.ts';
import { RecordBox } from '../records/record-box.ts';
import { StoreRefused } from './database.ts';
import type { Collection, EntityValue } from './entity.ts';
import { secretPlaces } from './secret-places.ts';

/** A value as it is kept: JSON with null where secrets stand, and these in one box. */
export interface SealedValue {
  readonly value: string;
  readonly secrets: string | null;
}

/** Something secret is to be kept, and there is no key to encrypt it with. */
export class NoStoreKey extends Error {}

const KEY_ID_BYTES = 4;

/**
 * Keeps the secrets of entities encrypted (AES-256-GCM). A box opens for the entity that it was closed for, so that nobody who can write to the
 * database puts one in another's place; the places of secrets are in it. It begins with the number of its key.
 */
export class Sealer {
  readonly #boxes: readonly { readonly id: string; readonly box: RecordBox }[];

  /** Of several keys the first encrypts and all decrypt. */
  constructor(keys: readonly string[]) {
    this.#boxes = keys.map((key) => {
      const box = new RecordBox(key, 'store');
      return { id: box.idOf('number of the key').subarray(0, KEY_ID_BYTES).toString('hex'), box };
    });
  }

  /** Throws NoStoreKey where it would have to encrypt without a key. */
  close(collection: Collection, name: string, value: EntityValue): SealedValue {
    const places = secretPlaces(collection, name, value);
    if (places.length === 0) return { value: JSON.stringify(value), secrets: null };
    const [first] = this.#boxes;
    if (first === undefined)
      throw new NoStoreKey(`store.key is not set: ${collection}/${name} has a secret that must be encrypted`);
    const open = structuredClone(value);
    const taken = places.map((path): [Path, unknown] => [path, replace(open, path, null)]);
    const content = first.box.close(idOf(collection, name), JSON.stringify(taken));
    return { value: JSON.stringify(open), secrets: `${first.id}.${content.toString('base64url')}` };
  }

  /** Throws StoreRefused where its secrets were encrypted with a key that is not here, or were changed since. */
  open(collection: Collection, name: string, { value, secrets }: SealedValue): EntityValue {
    const open = JSON.parse(value) as EntityValue;
    if (secrets === null) return open;
    const [keyId = '', content = ''] = secrets.split('.');
    const box = this.#boxes.find(({ id }) => id === keyId)?.box;
    if (box === undefined)
      throw new StoreRefused(
        `the secrets of ${collection}/${name} were encrypted with another key: see store.key`,
      );
    const text = box.open(idOf(collection, name), Buffer.from(content, 'base64url'));
    if (text === undefined)
      throw new StoreRefused(
        `the secrets of ${collection}/${name} were changed by somebody else, or by the disk`,
      );
    for (const [path, secret] of JSON.parse(text) as [Path, unknown][]) replace(open, path, secret);
    return open;
  }

  /** Whether it was encrypted with a key that is not the first any more. */
  isOutdated(secrets: string | null): boolean {
    return secrets !== null && !secrets.startsWith(`${this.#boxes[0]?.id}.`);
  }
}

function idOf(collection: Collection, name: string): Buffer {
  return Buffer.from(`${collection}/${name}`);
}

/** Puts something else at a place that is there; gives what stood there. */
function replace(root: unknown, path: Path, value: unknown): unknown {
  let parent = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  const before = parent[last];
  parent[last] = value;
  return before;
}
