import { createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { type ClientKey, readClientKey } from './client-key.ts';
import type { ClientConfig } from './schema.ts';

/** Where fields of a request are put: a `Headers` or a `Map`, names in small letters. */
export interface FieldSink {
  set(name: string, value: string): unknown;
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ASSERTION_SECONDS = 60;

/** What assertions are made of. */
interface Signing {
  readonly key: KeyObject;
  readonly header: { readonly alg: string; readonly kid?: string };
}

/** How the gateway proves to an authorization server who it is (RFC 6749 section 2.3), wherever it asks one. */
export class ClientAuthentication {
  readonly #clientId: string;
  readonly #config: ClientConfig;
  readonly #nowMs: () => number;
  readonly #signing: Signing | undefined;

  /** Throws an Error when the key is none. */
  constructor(clientId: string, config: ClientConfig, nowMs: () => number) {
    this.#clientId = clientId;
    this.#config = config;
    this.#nowMs = nowMs;
    this.#signing = signingOf(config);
  }

  /** Adds the proof to a request. `audience` is the issuer; where there is none, the address that is asked. */
  async prove(fields: FieldSink, form: URLSearchParams, audience: string): Promise<void> {
    const { clientSecret, clientAuthentication } = this.#config;
    if (this.#signing !== undefined) {
      form.set('client_id', this.#clientId);
      form.set('client_assertion_type', ASSERTION);
      form.set('client_assertion', await this.#assertion(this.#signing, audience));
    } else if (clientSecret === undefined) {
      // Nothing, or a certificate (RFC 8705 section 2).
      form.set('client_id', this.#clientId);
    } else if (clientAuthentication === 'basic') {
      // RFC 6749 section 2.3.1: each is form-encoded first.
      const pair = `${formEncoded(this.#clientId)}:${formEncoded(clientSecret)}`;
      fields.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    } else {
      form.set('client_id', this.#clientId);
      if (typeof clientAuthentication === 'string') form.set('client_secret', clientSecret);
      else {
        const { header, prefix } = clientAuthentication;
        fields.set(header.toLowerCase(), prefix === '' ? clientSecret : `${prefix} ${clientSecret}`);
      }
    }
  }

  /** RFC 7523 sections 2.2 and 3. */
  #assertion({ key, header }: Signing, audience: string): Promise<string> {
    const nowSeconds = Math.floor(this.#nowMs() / 1000);
    return new SignJWT({})
      .setProtectedHeader(header)
      .setIssuer(this.#clientId)
      .setSubject(this.#clientId)
      .setAudience(this.#config.clientKey?.audience ?? audience)
      .setJti(randomUUID())
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + ASSERTION_SECONDS)
      .sign(key);
  }
}

function signingOf({ clientKey, clientSecret, clientAuthentication }: ClientConfig): Signing | undefined {
  if (clientKey !== undefined) {
    const { key, algorithm }: ClientKey = readClientKey(clientKey);
    return { key, header: { alg: algorithm, ...(clientKey.id === undefined ? {} : { kid: clientKey.id }) } };
  }
  if (clientSecret === undefined || clientAuthentication !== 'jwt') return undefined;
  // OpenID Connect Core section 9: client_secret_jwt.
  return { key: createSecretKey(Buffer.from(clientSecret)), header: { alg: 'HS256' } };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ t: text }).toString().slice(2);
}
