import { isRecord } from '../../lib/is-record.ts';
import type { AccountKey, ExternalAccount } from './account-key.ts';
import { AcmeProblem } from './problem.ts';
import type { AcmeAnswer, AcmeTransport } from './transport.ts';

/** An account at the server. */
export interface Account {
  readonly key: AccountKey;
  /** Its address, which requests are signed with. */
  readonly url: string;
}

export interface Registration {
  readonly key: AccountKey;
  readonly email: string | undefined;
  readonly externalAccount: ExternalAccount | undefined;
}

/** An object of the server, with the address that it is asked for at. */
export interface Resource {
  readonly url: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;
}

type Directory = Readonly<Record<string, unknown>>;

/** RFC 8555 section 6.5: a nonce may be refused at any time, so the same is sent again, with another one. */
const NONCE_TRIES = 10;

/** The requests of RFC 8555. All reject with an AcmeProblem. */
export class AcmeClient {
  readonly #transport: AcmeTransport;
  readonly #directoryUrl: string;
  #directory: Promise<Directory> | undefined;
  #nonce: string | undefined;

  constructor(directoryUrl: string, transport: AcmeTransport) {
    this.#directoryUrl = directoryUrl;
    this.#transport = transport;
  }

  /** Finds the account of the key or makes one, agreeing to the terms of service (section 7.3); resolves with its address. */
  async register({ key, email, externalAccount }: Registration): Promise<string> {
    const url = await this.#resource('newAccount');
    const answer = await this.#post(url, key, undefined, {
      termsOfServiceAgreed: true,
      ...(email === undefined ? {} : { contact: [`mailto:${email}`] }),
      ...(externalAccount === undefined
        ? {}
        : { externalAccountBinding: await key.bind(url, externalAccount) }),
    });
    return locationOf(answer);
  }

  /** `replaces`: what the server knows the certificate by that it comes in the place of; left out where it does not speak of that. */
  async order(account: Account, hosts: readonly string[], replaces?: string): Promise<Resource> {
    const url = await this.#resource('newOrder');
    const identifiers = hosts.map((value) => ({ type: 'dns', value }));
    const post = (more: object) => this.#post(url, account.key, account.url, { identifiers, ...more });
    const hasRenewals = typeof (await this.#read())['renewalInfo'] === 'string';
    if (replaces === undefined || !hasRenewals) return orderOf(await post({}));
    try {
      return orderOf(await post({ replaces }));
    } catch (error) {
      // RFC 9773 section 5: another order replaced it, or the server knows nothing of it. The order itself may do.
      if (error instanceof AcmeProblem && ['alreadyReplaced', 'malformed'].includes(error.type))
        return orderOf(await post({}));
      throw error;
    }
  }

  /** When the server would have a certificate renewed (RFC 9773 section 4); undefined where it does not speak of that. */
  async renewalInfo(id: string): Promise<Resource | undefined> {
    const base = (await this.#read())['renewalInfo'];
    if (typeof base !== 'string') return undefined;
    const url = `${base.replace(/\/$/, '')}/${id}`;
    return resourceOf(url, accepted(await this.#transport.send({ method: 'GET', url })));
  }

  /** What the server has at an address of its (section 6.3). */
  async get(account: Account, url: string): Promise<Resource> {
    return resourceOf(url, await this.#post(url, account.key, account.url, undefined));
  }

  /** Changes something there, such as a challenge that is ready or an order that is to be issued. */
  async post(account: Account, url: string, payload: object): Promise<Resource> {
    return resourceOf(url, await this.#post(url, account.key, account.url, payload));
  }

  /** PEM of the chain, its leaf first (section 7.4.2). */
  async certificate(account: Account, url: string): Promise<string> {
    const accept = 'application/pem-certificate-chain';
    return (await this.#post(url, account.key, account.url, undefined, accept)).text;
  }

  async #resource(name: string): Promise<string> {
    const url = (await this.#read())[name];
    if (typeof url !== 'string')
      throw new AcmeProblem(
        'malformedAnswer',
        `${this.#directoryUrl} is no ACME directory: it has no ${name}`,
      );
    return url;
  }

  #read(): Promise<Directory> {
    this.#directory ??= this.#transport
      .send({ method: 'GET', url: this.#directoryUrl })
      .then((answer) => resourceOf(this.#directoryUrl, accepted(answer)).value)
      .catch((error: unknown) => {
        this.#directory = undefined;
        throw error;
      });
    return this.#directory;
  }

  async #post(
    url: string,
    key: AccountKey,
    account: string | undefined,
    payload: unknown,
    accept?: string,
  ): Promise<AcmeAnswer> {
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonce ?? (await this.#newNonce());
      this.#nonce = undefined;
      const body = await key.sign(url, nonce, payload, account);
      const answer = await this.#transport.send({
        method: 'POST',
        url,
        body,
        ...(accept === undefined ? {} : { accept }),
      });
      this.#keepNonce(answer);
      try {
        return accepted(answer);
      } catch (error) {
        if (!(error instanceof AcmeProblem) || error.type !== 'badNonce' || tries === NONCE_TRIES)
          throw error;
      }
    }
  }

  async #newNonce(): Promise<string> {
    this.#keepNonce(await this.#transport.send({ method: 'HEAD', url: await this.#resource('newNonce') }));
    if (this.#nonce === undefined) throw new AcmeProblem('malformedAnswer', 'the ACME server gave no nonce');
    return this.#nonce;
  }

  #keepNonce({ headers }: AcmeAnswer): void {
    const nonce = headers['replay-nonce'];
    // Section 6.5.1: what is not in base64url MUST be ignored.
    if (typeof nonce === 'string' && /^[\w-]+$/.test(nonce)) this.#nonce = nonce;
  }
}

/** The answer, if the server did what it was asked for. */
function accepted(answer: AcmeAnswer): AcmeAnswer {
  const { status, text, retryAfterMs } = answer;
  if (status >= 200 && status < 300) return answer;
  throw AcmeProblem.from(parsed(text), status, retryAfterMs);
}

function orderOf(answer: AcmeAnswer): Resource {
  return resourceOf(locationOf(answer), answer);
}

function locationOf({ headers: { location }, status }: AcmeAnswer): string {
  if (location === undefined)
    throw new AcmeProblem('malformedAnswer', 'the ACME server did not say where it put it', { status });
  return location;
}

function resourceOf(url: string, { text, status, retryAfterMs }: AcmeAnswer): Resource {
  const value = parsed(text);
  if (!isRecord(value))
    throw new AcmeProblem('malformedAnswer', `${url} answered with something that is no JSON object`, {
      status,
    });
  return { url, value, retryAfterMs };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
