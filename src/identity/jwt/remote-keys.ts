import { BoundedMap } from '../../lib/bounded-map.ts';
import { keptText } from '../../lib/kept-text.ts';
import type { Lease } from '../../lib/shared-pool.ts';
import type { Unavailable } from '../authenticator.ts';
import { ACCEPT_JSON, type Discovery, type IssuerLink, jsonOf } from '../discovery/discovery.ts';
import {
  isUnavailable,
  type Loaded,
  PROVIDER_AWAY,
  RemoteDocument,
  type RemotePlace,
} from '../discovery/remote-document.ts';
import { Outgoing } from '../outgoing.ts';
import { type KeySet, readKeySet } from './key-set.ts';
import type { FoundKeys, KeySource } from './key-source.ts';

/** So long a key that the issuer has withdrawn may still count. */
const MAX_AGE_MS = 10 * 60_000;
const MAX_BYTES = 256 * 1024;

/** Readings for the sake of a key that is not known: as many at once, and one more every so often. */
const MAX_LOOKS = 4;
const LOOK_PAUSE_MS = 15_000;
/** So long a key that was not found is not looked for again; of so many this is remembered. */
const MISSING_MS = 30_000;
const MAX_MISSING = 1000;

const AWAY: Unavailable = { kind: 'unavailable', detail: PROVIDER_AWAY };

/**
 * The keys that an issuer publishes. A token of a key that is not known has them read anew, since issuers replace their keys without a word;
 * anybody can make such tokens, so that is bounded: by a few readings at once and one every 15 s then, and by remembering what was not found.
 */
export class RemoteKeys implements KeySource {
  readonly #link: IssuerLink;
  readonly #address: string | Lease<Discovery>;
  readonly #place: RemotePlace;
  readonly #outgoing: Outgoing;
  readonly #document: RemoteDocument<KeySet>;
  /** When a key was last looked for and not found, by its `kid`; empty for keys without one. */
  readonly #missing = new BoundedMap<string, number>(MAX_MISSING);
  #looks = MAX_LOOKS;
  #looksCountedAtMs: number;

  /** `address` is that of the keys, or what finds it; it is closed with this. */
  constructor(link: IssuerLink, address: string | Lease<Discovery>, place: RemotePlace) {
    this.#link = link;
    this.#address = address;
    this.#place = place;
    this.#looksCountedAtMs = place.timers.nowMs();
    this.#outgoing = new Outgoing({ ...link, maxBytes: MAX_BYTES }, place.timers);
    const what = `the keys of provider ${link.name}`;
    this.#document = new RemoteDocument({ what, load: () => this.#load(), maxAgeMs: MAX_AGE_MS }, place);
  }

  find(
    algorithm: string,
    kid: string | undefined,
  ): FoundKeys | Unavailable | Promise<FoundKeys | Unavailable> {
    const got = this.#document.get();
    return got instanceof Promise
      ? got.then((loaded) => foundIn(loaded, algorithm, kid))
      : foundIn(got, algorithm, kid);
  }

  async lookAgain(kid: string | undefined): Promise<boolean | Unavailable> {
    const name = kid ?? '';
    const before = this.#document.known;
    // What is being read may have been on its way before the key was published: if it is not there, another reading follows.
    if (this.#document.isLoading) {
      await this.#document.refresh();
      if (this.#document.known !== before && this.#has(kid)) return true;
    }
    if (!this.#document.isLoading) {
      const { timers } = this.#place;
      if ((this.#missing.get(name) ?? Number.NEGATIVE_INFINITY) > timers.nowMs() - MISSING_MS) return false;
      if (this.#document.isFailing) return AWAY;
      if (!this.#mayLook()) return false;
    }
    const got = await this.#document.refresh();
    if (isUnavailable(got)) return got;
    // A token that names no key can be the reason only so often.
    if (kid === undefined || !this.#has(kid)) this.#remember(name);
    return true;
  }

  touch(): void {
    this.#document.touch();
  }

  close(): void {
    this.#document.close();
    this.#outgoing.close();
    if (typeof this.#address !== 'string') this.#address.close();
  }

  async #load(): Promise<KeySet | Unavailable> {
    const address = await this.#addressNow();
    if (typeof address !== 'string') return address;
    const answer = await this.#outgoing.fetch(address, ACCEPT_JSON);
    if (answer.status !== 200) throw new Error(`${address} answered ${answer.status}`);
    const found = await jsonOf(answer, address);
    const before = this.#document.known;
    return before === undefined ? readKeySet(found) : before.replacedBy(found);
  }

  async #addressNow(): Promise<string | Unavailable> {
    if (typeof this.#address === 'string') return this.#address;
    const metadata = await this.#address.value.get();
    if (isUnavailable(metadata)) return metadata;
    const address = metadata.document.jwks_uri;
    if (address === undefined)
      throw new Error(`the issuer ${this.#link.issuer} does not say where its keys are`);
    return address;
  }

  #has(kid: string | undefined): boolean {
    return kid === undefined || this.#document.known?.hasKid(kid) === true;
  }

  #mayLook(): boolean {
    const nowMs = this.#place.timers.nowMs();
    const more = Math.floor((nowMs - this.#looksCountedAtMs) / LOOK_PAUSE_MS);
    this.#looks = Math.min(MAX_LOOKS, this.#looks + more);
    this.#looksCountedAtMs =
      this.#looks === MAX_LOOKS ? nowMs : this.#looksCountedAtMs + more * LOOK_PAUSE_MS;
    if (this.#looks === 0) return false;
    this.#looks--;
    return true;
  }

  #remember(name: string): void {
    this.#missing.set(keptText(name), this.#place.timers.nowMs());
  }
}

function foundIn(
  got: Loaded<KeySet> | Unavailable,
  algorithm: string,
  kid: string | undefined,
): FoundKeys | Unavailable {
  return isUnavailable(got) ? got : { kind: 'keys', keys: got.document.find(algorithm, kid) };
}
