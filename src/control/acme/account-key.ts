import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, FlattenedSign, type JWK } from 'jose';

const generate = promisify(generateKeyPair);
const ALGORITHM = 'ES256';

/** Key identifier and key that an authority gave for an account of its own. */
export interface ExternalAccount {
  readonly keyId: string;
  /** In base64url. */
  readonly hmacKey: string;
}

/** The key of an account at an ACME server: P-256, signing with ES256, which every server takes (RFC 8555 section 6.2). */
export class AccountKey {
  /** PKCS #8 in PEM. */
  readonly pem: string;
  readonly #key: KeyObject;
  readonly #jwk: JWK;
  readonly #thumbprint: string;

  private constructor(key: KeyObject, jwk: JWK, thumbprint: string) {
    this.pem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
    this.#key = key;
    this.#jwk = jwk;
    this.#thumbprint = thumbprint;
  }

  static async make(): Promise<AccountKey> {
    return AccountKey.#of((await generate('ec', { namedCurve: 'P-256' })).privateKey);
  }

  static read(pem: string): Promise<AccountKey> {
    return AccountKey.#of(createPrivateKey(pem));
  }

  static async #of(key: KeyObject): Promise<AccountKey> {
    const { kty, crv, x, y } = await exportJWK(createPublicKey(key));
    const jwk = { kty, crv, x, y } as JWK;
    return new AccountKey(key, jwk, await calculateJwkThumbprint(jwk));
  }

  /** What a challenge is answered with (RFC 8555 section 8.1). */
  keyAuthorization(token: string): string {
    return `${token}.${this.#thumbprint}`;
  }

  /** A request in JSON (RFC 8555 section 6.2); without `account`, its address, it carries the key itself. */
  async sign(url: string, nonce: string, payload: unknown, account: string | undefined): Promise<string> {
    // Section 6.3: POST-as-GET is signed over an empty payload, which is not an empty object.
    const text = payload === undefined ? '' : JSON.stringify(payload);
    const signed = await new FlattenedSign(Buffer.from(text))
      .setProtectedHeader({
        alg: ALGORITHM,
        nonce,
        url,
        ...(account === undefined ? { jwk: this.#jwk } : { kid: account }),
      })
      .sign(this.#key);
    return JSON.stringify(signed);
  }

  /** Binds this key to an account that the authority knows by other means (RFC 8555 section 7.3.4). */
  async bind(url: string, { keyId, hmacKey }: ExternalAccount): Promise<unknown> {
    return new FlattenedSign(Buffer.from(JSON.stringify(this.#jwk)))
      .setProtectedHeader({ alg: 'HS256', kid: keyId, url })
      .sign(Buffer.from(hmacKey, 'base64url'));
  }
}
