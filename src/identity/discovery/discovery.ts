import type { Unavailable } from '../authenticator.ts';
import { Outgoing } from '../outgoing.ts';
import { checkMetadata, metadataAddresses, type ProviderMetadata } from './metadata.ts';
import { type Loaded, RemoteDocument, type RemotePlace } from './remote-document.ts';

/** An issuer and how it is reached. */
export interface IssuerLink {
  /** The provider's name, or the issuer, for the log. */
  readonly name: string;
  readonly issuer: string;
  /** PEM of the authorities to trust instead of those that Node.js trusts. */
  readonly ca?: string | undefined;
  /** PEM of what it is shown over TLS. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** Whether http may lead to another host than this one. */
  readonly insecure?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Addresses of a provider hardly ever change. */
const MAX_AGE_MS = 60 * 60_000;
const MAX_BYTES = 256 * 1024;

/** What an issuer publishes of itself, read when it is first wanted: see `RemoteDocument` for what happens when it is away. */
export class Discovery {
  readonly #link: IssuerLink;
  readonly #outgoing: Outgoing;
  readonly #document: RemoteDocument<ProviderMetadata>;

  constructor(link: IssuerLink, place: RemotePlace) {
    this.#link = link;
    this.#outgoing = new Outgoing({ ...link, maxBytes: MAX_BYTES }, place.timers);
    const what = `the metadata of provider ${link.name}`;
    this.#document = new RemoteDocument({ what, load: () => this.#load(), maxAgeMs: MAX_AGE_MS }, place);
  }

  /** What it said last; the first time somebody has to wait for it. Never rejects. */
  get(): Loaded<ProviderMetadata> | Unavailable | Promise<Loaded<ProviderMetadata> | Unavailable> {
    return this.#document.get();
  }

  close(): void {
    this.#document.close();
    this.#outgoing.close();
  }

  async #load(): Promise<ProviderMetadata> {
    const { issuer, insecure = false } = this.#link;
    const [first, second] = metadataAddresses(issuer);
    let answer = await this.#outgoing.fetch(first, ACCEPT_JSON);
    let address = first;
    if (answer.status === 404) {
      address = second;
      answer = await this.#outgoing.fetch(second, ACCEPT_JSON);
    }
    if (answer.status !== 200) throw new Error(`${address} answered ${answer.status}`);
    return checkMetadata(await jsonOf(answer, address), issuer, insecure);
  }
}

export const ACCEPT_JSON = { headers: { accept: 'application/json' } };

/** The body as JSON; throws an Error that does not quote it. */
export async function jsonOf(answer: Response, address: string): Promise<unknown> {
  try {
    return JSON.parse(await answer.text()) as unknown;
  } catch {
    throw new Error(`${address} answered with something that is not JSON`);
  }
}
