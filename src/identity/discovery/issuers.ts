import { type Lease, SharedPool } from '../../lib/shared-pool.ts';
import { RemoteKeys } from '../jwt/remote-keys.ts';
import { Discovery, type IssuerLink } from './discovery.ts';
import type { RemotePlace } from './remote-document.ts';

/**
 * What is known of issuers: read once per worker, whoever wants it, and kept from one configuration to the next for as long as somebody
 * holds it.
 */
export class Issuers {
  readonly place: RemotePlace;
  readonly #pool = new SharedPool();

  constructor(place: RemotePlace) {
    this.place = place;
  }

  /** The issuer's metadata. Nothing is read before it is asked for. */
  discovery(link: IssuerLink): Lease<Discovery> {
    return this.#pool.open(keyOf('metadata', link), () => {
      this.#warn(link);
      return new Discovery(link, this.place);
    });
  }

  /** The issuer's keys, from this address or from the one in its metadata. */
  keys(link: IssuerLink, address?: string): Lease<RemoteKeys> {
    return this.#pool.open(keyOf('keys', link, address), () => {
      if (address !== undefined) this.#warn(link);
      return new RemoteKeys(link, address ?? this.discovery(link), this.place);
    });
  }

  #warn({ name, insecure }: IssuerLink): void {
    if (insecure !== true) return;
    this.place.log(
      'warn',
      `provider ${name}: insecure is set: whoever is on the way to it can read secrets, and replace the keys that tokens are verified with`,
    );
  }
}

function keyOf(
  what: string,
  { name, issuer, ca, clientCertificate, insecure, timeoutMs }: IssuerLink,
  address?: string,
): string {
  return JSON.stringify([what, name, issuer, ca, clientCertificate, insecure, timeoutMs, address]);
}
