import type { LoginPages } from '../identity/login/pages.ts';
import { answer, failPolicy } from './answer.ts';
import { BodyCollector } from './body-collector.ts';
import type { Exchange } from './exchange.ts';

/** Forms and small JSON are all that is sent there. */
const BODY_BOUNDS = { maxBytes: 16_384, maxRatio: 100, unchecked: 'refuse' } as const;
const NO_BODY = Buffer.alloc(0);

/** Answers with a page of a login. */
export function answerLogin(exchange: Exchange, pages: LoginPages): void {
  if (exchange.request.bodyLength === 0) void answerWhenMade(exchange, pages, NO_BODY);
  else new LoginBody(exchange, pages).start();
}

class LoginBody extends BodyCollector {
  readonly #pages: LoginPages;

  constructor(exchange: Exchange, pages: LoginPages) {
    super(exchange, BODY_BOUNDS);
    this.#pages = pages;
  }

  protected override take(content: Buffer): void {
    void answerWhenMade(this.exchange, this.#pages, content);
  }
}

async function answerWhenMade(exchange: Exchange, pages: LoginPages, body: Buffer): Promise<void> {
  try {
    const { answer: made, cookies } = await pages.answer(exchange, body);
    if (exchange.ended) return;
    for (const cookie of cookies ?? []) exchange.answerFields.push('set-cookie', 'Set-Cookie', cookie);
    answer(exchange, made);
  } catch (error) {
    failPolicy(exchange, 'login', error);
  }
  exchange.downstream.flush();
}
