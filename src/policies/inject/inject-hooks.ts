import { type Fields, isFieldValue } from '../../http/fields.ts';
import type { Answer, Exchange, PolicyHooks } from '../../policy/contract.ts';
import { type Held, heldBy, hold } from '../../policy/held.ts';
import { type Placement, written } from './placement.ts';
import type { NoToken, SourceFinding, SourceToken, TokenSource } from './token-source.ts';

/** What a request is sent on with. */
interface HeldToken extends Held {
  token: SourceToken;
  /** Undefined: the field is taken off. */
  value: string | undefined;
}

/** Whether the request is sent again, or what is answered instead. */
type Verdict = boolean | Answer;

const UNUSABLE: Answer = {
  status: 502,
  code: 'token_unusable',
  detail: 'The identity provider gave a token that no request can carry.',
};

/** Fetches the token while the request is looked at, and writes it into each attempt. */
export class InjectHooks implements PolicyHooks {
  readonly #source: TokenSource;
  readonly #placement: Placement;
  readonly #isRequired: boolean;
  /** Values of tokens, where they do not depend on the request. */
  readonly #values = new WeakMap<SourceToken, string>();

  constructor(source: TokenSource, placement: Placement, isRequired: boolean) {
    this.#source = source;
    this.#placement = placement;
    this.#isRequired = isRequired;
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const finding = this.#source.token(exchange);
    return finding instanceof Promise
      ? finding.then((found) => this.#settle(exchange, found))
      : this.#settle(exchange, finding);
  }

  onAttempt(exchange: Exchange, fields: Fields): void {
    const value = heldBy<HeldToken>(exchange, this)?.value;
    // What the client sent there never passes, whether or not there is a token.
    if (value === undefined) fields.delete(this.#placement.lower);
    else fields.put(this.#placement.lower, this.#placement.header, value);
  }

  /**
   * A token that a service refuses may have been revoked: another one is tried once. Where there is none, the client is told so: what the service
   * says of the token is no word to the client, who never had it.
   */
  retryWith(exchange: Exchange, status: number): Verdict | Promise<Verdict> {
    if (status !== 401) return false;
    const held = heldBy<HeldToken>(exchange, this);
    if (held?.value === undefined) return false;
    const finding = this.#source.replaced(exchange, held.token);
    return finding instanceof Promise
      ? finding.then((found) => this.#verdictOn(exchange, held, found))
      : this.#verdictOn(exchange, held, finding);
  }

  #verdictOn(exchange: Exchange, held: HeldToken, finding: SourceFinding): Verdict {
    if (finding.kind === 'none') return this.#answerOf(finding) ?? false;
    if (finding.token === held.token.token) return false;
    const value = this.#valueOf(finding, exchange);
    if (value === undefined) return UNUSABLE;
    held.token = finding;
    held.value = value;
    return true;
  }

  #settle(exchange: Exchange, finding: SourceFinding): Answer | undefined {
    if (finding.kind === 'none') return this.#answerOf(finding);
    const value = this.#valueOf(finding, exchange);
    if (value === undefined) return UNUSABLE;
    const held: HeldToken = { owner: this, next: undefined, token: finding, value };
    hold(exchange, held);
    return undefined;
  }

  /** Undefined where the request may do without. */
  #answerOf({ answer, isOutage }: NoToken): Answer | undefined {
    return this.#isRequired || isOutage ? answer : undefined;
  }

  /** Undefined where a field cannot hold it. */
  #valueOf(token: SourceToken, exchange: Exchange): string | undefined {
    const known = this.#values.get(token);
    if (known !== undefined) return known;
    const value = written(this.#placement, token.token, exchange);
    if (!isFieldValue(value) || value === '') return undefined;
    if (this.#placement.template === undefined) this.#values.set(token, value);
    return value;
  }
}
