import { definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { authenticated } from '../../policy/principal.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { nameKeys } from './keys.ts';
import { Minter } from './minter.ts';
import { mintSchema } from './schema.ts';

export const mintPolicy = definePolicy({
  name: 'mint',
  stage: 'transform',
  unique: true,
  schema: mintSchema,
  // Where a service takes the client's own Authorization, that is not for this policy to take off.
  identityFields: ({ header }) => (isAuthorization(header) ? [] : [header]),
  async create({ keys, issuer, audience, lifetime, header, claims }, context: BuiltinContext) {
    const [key] = await nameKeys(keys);
    const minter = new Minter({
      key,
      issuer,
      audience: audience ?? context.service ?? context.route,
      lifetimeMs: lifetime,
      claims,
      nowMs: Date.now,
    });
    return new MintHooks(minter, header);
  },
});

function isAuthorization(header: string): boolean {
  return header.toLowerCase() === 'authorization';
}

class MintHooks implements PolicyHooks {
  readonly #minter: Minter;
  readonly #lower: string;
  readonly #header: string;
  readonly #scheme: string;

  constructor(minter: Minter, header: string) {
    this.#minter = minter;
    this.#header = header;
    this.#lower = header.toLowerCase();
    this.#scheme = isAuthorization(header) ? 'Bearer ' : '';
  }

  onRequest(exchange: Exchange): undefined | Promise<undefined> {
    const principal = authenticated(exchange.principal);
    if (principal === undefined) {
      // The service takes what stands there for the gateway's word.
      exchange.request.fields.delete(this.#lower);
      return undefined;
    }
    const token = this.#minter.tokenFor(exchange, principal);
    if (typeof token === 'string') return this.#put(exchange, token);
    return token.then((text) => this.#put(exchange, text));
  }

  #put(exchange: Exchange, token: string): undefined {
    exchange.request.fields.put(this.#lower, this.#header, this.#scheme + token);
    return undefined;
  }
}
