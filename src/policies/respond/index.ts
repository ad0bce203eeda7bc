import { setTimeout } from 'node:timers/promises';
import { type Answer, definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import type { Template } from '../../policy/template.ts';
import { renderedFieldValue } from '../field-options.ts';
import { escapeFor } from './escape.ts';
import { type RespondOptions, respondSchema } from './schema.ts';

export const respondPolicy = definePolicy({
  name: 'respond',
  // Last: it stands in the place of the service, so all that guards the service guards it.
  stage: 'transform',
  schema: respondSchema,
  create(options): PolicyHooks {
    const maker = new AnswerMaker(options);
    const { delay } = options;
    if (delay === 0) return { onRequest: (exchange: Exchange) => maker.answer(exchange) };
    return {
      async onRequest(exchange: Exchange): Promise<Answer> {
        await setTimeout(delay);
        return maker.answer(exchange);
      },
    };
  },
});

/** Makes the answer once, when nothing in it comes from the request. */
class AnswerMaker {
  readonly #status: number;
  readonly #contentType: string;
  readonly #fields: readonly (readonly [name: string, value: Template])[];
  readonly #body: Template;
  readonly #escape: (value: string) => string;
  readonly #fixed: Answer | undefined;

  constructor({ status, contentType, headers, body }: RespondOptions) {
    this.#status = status;
    this.#contentType = contentType;
    this.#fields = Object.entries(headers);
    this.#body = body;
    this.#escape = escapeFor(contentType);
    const isFixed =
      body.constant !== undefined && this.#fields.every(([, value]) => value.constant !== undefined);
    if (isFixed) {
      const fixed = Object.fromEntries(this.#fields.map(([name, value]) => [name, value.constant as string]));
      this.#fixed = this.#make(fixed, body.constant);
    }
  }

  answer(exchange: Exchange): Answer {
    if (this.#fixed !== undefined) return this.#fixed;
    const headers: Record<string, string> = {};
    for (const [name, value] of this.#fields) headers[name] = renderedFieldValue(value.render(exchange));
    return this.#make(headers, this.#body.renderText(exchange, this.#escape));
  }

  #make(headers: Readonly<Record<string, string>>, body: string): Answer {
    if (body === '') return { status: this.#status, headers };
    return {
      status: this.#status,
      headers: { 'Content-Type': this.#contentType, ...headers },
      body: Buffer.from(body),
    };
  }
}
