import type { Exchange } from '../../policy/contract.ts';
import { type Checks, ContentCheck } from './content-check.ts';
import type { ValidateOptions } from './schema.ts';

/** What is held against the answers of a service. */
export class ResponseCheck {
  readonly #statuses: ReadonlyMap<string, ContentCheck | undefined>;

  /** Throws an Error that says what is wrong with a schema. */
  constructor({ statuses }: NonNullable<ValidateOptions['responses']>, checks: Checks) {
    // Who calls is not told what is wrong, and the log has enough with one fault.
    const forOne = { ...checks, maxErrors: 1 };
    this.#statuses = new Map(
      Object.entries(statuses).map(([status, { content }]) => [
        status,
        content && new ContentCheck(content, forOne),
      ]),
    );
  }

  /** What is wrong with the status of an answer; undefined when nothing is. */
  status({ response }: Exchange): string | undefined {
    // RFC 9110 section 15.4.5: it stands for an answer that the client has, and documents do not describe it.
    if (response.status === 304) return undefined;
    return this.#keyOf(response.status) === undefined
      ? `its status ${response.status} is not described`
      : undefined;
  }

  /** The same for its body. */
  body({ response }: Exchange, body: Buffer): string | undefined {
    const { status, fields } = response;
    const content = this.#statuses.get(this.#keyOf(status) ?? '');
    if (content === undefined || body.length === 0) return undefined;
    const type = fields.get('content-type');
    if (!content.takes(type)) return `the Content-Type of its status ${status} is not described`;
    const [first] = content.faults(type, body, undefined) ?? [];
    return first && `the body of its status ${status}: ${first.path} ${first.reason}`;
  }

  #keyOf(status: number): string | undefined {
    const exact = String(status);
    if (this.#statuses.has(exact)) return exact;
    const range = `${exact[0]}XX`;
    if (this.#statuses.has(range)) return range;
    return this.#statuses.has('default') ? 'default' : undefined;
  }
}
