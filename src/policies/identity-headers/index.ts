import { Fields } from '../../http/fields.ts';
import { definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { authenticated, type Principal } from '../../policy/principal.ts';
import type { Template } from '../../policy/template.ts';
import { renderedFieldValue } from '../field-options.ts';
import { identityHeadersSchema } from './schema.ts';

export const identityHeadersPolicy = definePolicy({
  name: 'identity-headers',
  stage: 'transform',
  unique: true,
  schema: identityHeadersSchema,
  identityFields: ({ set, anonymous, strip }) => [...Object.keys(set), ...Object.keys(anonymous), ...strip],
  create({ set, anonymous }): PolicyHooks {
    const known = new IdentityFieldSet(set);
    const unknown = new IdentityFieldSet(anonymous);
    const apply = (exchange: Exchange, fields: Fields) =>
      (authenticated(exchange.principal) === undefined ? unknown : known).apply(exchange, fields);
    if (known.isForwarded || unknown.isForwarded) return { onAttempt: apply };
    return { onRequest: (exchange) => apply(exchange, exchange.request.fields) };
  },
});

interface Entry {
  readonly lower: string;
  readonly name: string;
  readonly value: Template;
}

/** Fields that are made of a principal. What is the same for all requests of one is rendered once. */
class IdentityFieldSet {
  /**
   * Some of them belong to the X-Forwarded family: of those the gateway takes off what an untrusted client sent when it introduces the
   * client, behind the request's hooks. They are set for each attempt.
   */
  readonly isForwarded: boolean;
  readonly #entries: readonly Entry[];
  readonly #isOfPrincipal: boolean;
  readonly #rendered = new WeakMap<Principal, Fields>();

  constructor(set: Readonly<Record<string, Template>>) {
    this.#entries = Object.entries(set).map(([name, value]) => ({ lower: name.toLowerCase(), name, value }));
    this.isForwarded = this.#entries.some(({ lower }) => lower.startsWith('x-forwarded-'));
    this.#isOfPrincipal = this.#entries.every(({ value }) => value.isOfPrincipal);
  }

  apply(exchange: Exchange, fields: Fields): void {
    // What a client sent is gone already; another policy may have set one.
    for (const { lower } of this.#entries) fields.delete(lower);
    fields.pushAll(this.#fieldsFor(exchange));
  }

  #fieldsFor(exchange: Exchange): Fields {
    const { principal } = exchange;
    if (principal === undefined || !this.#isOfPrincipal) return this.#render(exchange);
    let rendered = this.#rendered.get(principal);
    if (rendered === undefined) {
      rendered = this.#render(exchange).kept();
      this.#rendered.set(principal, rendered);
    }
    return rendered;
  }

  #render(exchange: Exchange): Fields {
    const fields = new Fields();
    for (const { lower, name, value } of this.#entries) {
      const text = renderedFieldValue(value.render(exchange));
      if (text !== '') fields.push(lower, name, text);
    }
    return fields;
  }
}
