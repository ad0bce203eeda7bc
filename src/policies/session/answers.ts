import type { Unavailable } from '../../identity/authenticator.ts';
import { safeReturn } from '../../identity/login/return-to.ts';
import { heldSession } from '../../identity/sessions/held-session.ts';
import type { Session } from '../../identity/sessions/session.ts';
import type { Sessions } from '../../identity/sessions/sessions.ts';
import type { Answer, Exchange } from '../../policy/contract.ts';
import { isNavigation } from './navigation.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };

/** What a request gets that has no session, or not all that it needs. */
export class SessionAnswers {
  readonly #sessions: Sessions;
  readonly #login: string;
  readonly #path: string;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
    this.#path = sessions.config.path;
    this.#login = `${this.#path}/login`;
  }

  /** To the login, and back; a script is told where that is. `clear`: the cookie is of no use any more. */
  login({ request }: Exchange, clear: boolean): Answer {
    const cookie: Record<string, string> = clear
      ? { 'Set-Cookie': this.#sessions.cookie.clear(request) }
      : {};
    if (isNavigation(request)) return toPage(`${this.#login}?redirect=${returnTo(request)}`, cookie);
    return this.#nobody(request, 'Nobody is logged in.', cookie);
  }

  /** For a session that does not count in this request. The login knows it, and would send a page back at once, without an end. */
  notHere({ request }: Exchange): Answer {
    return this.#nobody(request, 'Nobody is logged in for pages of other sites.', {});
  }

  /** To a provider that the user has no grant of, or none that can be renewed. */
  connect(exchange: Exchange, { token }: Session, provider: string): Answer {
    const { request } = exchange;
    if (token !== undefined || heldSession(exchange)?.isOfProgram === true) return lacking(provider);
    const page = `${this.#path}/connect/${encodeURIComponent(provider)}`;
    if (isNavigation(request)) return toPage(`${page}?redirect=${returnTo(request)}`, {});
    return {
      status: 401,
      code: 'grant_required',
      detail: `The user has to connect ${provider} first.`,
      headers: { ...NO_STORE, 'WWW-Authenticate': this.challengeFor(request) },
      problem: { connect: page, provider },
    };
  }

  /** For a token of the gateway's own that opens nothing. */
  wrongToken({ request }: Exchange, scheme: 'bearer' | 'basic'): Answer {
    return {
      status: 401,
      code: 'invalid_token',
      detail: 'The token is not one of a session, or its session has ended.',
      headers: {
        ...NO_STORE,
        'WWW-Authenticate': this.#sessions.challenge.forWrongToken(request.fields, scheme),
      },
    };
  }

  #nobody(request: Exchange['request'], detail: string, cookie: Readonly<Record<string, string>>): Answer {
    return {
      status: 401,
      code: 'unauthenticated',
      detail,
      headers: { ...NO_STORE, ...cookie, 'WWW-Authenticate': this.challengeFor(request) },
      problem: { login: this.#login },
    };
  }

  challengeFor({ fields }: Exchange['request']): string {
    return this.#sessions.challenge.for(fields);
  }
}

export const FORGED: Answer = {
  status: 403,
  code: 'csrf_rejected',
  detail: 'The request has a session and was not sent by a page that may use it.',
};

/** Findings, of which other policies make a 503 too. */
export const SESSIONS_AWAY: Unavailable = {
  kind: 'unavailable',
  detail: 'Who is logged in is not known at the moment.',
  retryAfterMs: 1000,
};

export const PROVIDER_AWAY: Unavailable = {
  kind: 'unavailable',
  detail: 'The identity provider does not answer at the moment.',
  retryAfterMs: 1000,
};

/** The 503 of one of them. */
export function awayAnswer(finding: Unavailable): Answer {
  return {
    status: 503,
    code: finding === SESSIONS_AWAY ? 'sessions_unavailable' : 'provider_unavailable',
    detail: finding.detail,
    headers: { ...NO_STORE, 'Retry-After': String(Math.ceil((finding.retryAfterMs ?? 1000) / 1000)) },
  };
}

/** To a program that has a token: what a page connects would be its user's browser. */
function lacking(provider: string): Answer {
  return {
    status: 401,
    code: 'grant_required',
    detail: `The token has no grant of ${provider}, or none that can be renewed: a new token is needed, with grants=${provider}.`,
    headers: { ...NO_STORE, 'WWW-Authenticate': 'Bearer error="invalid_token"' },
    problem: { provider },
  };
}

function toPage(location: string, cookie: Readonly<Record<string, string>>): Answer {
  return { status: 302, headers: { ...NO_STORE, ...cookie, Location: location }, body: '' };
}

/** What URLs escape, and some clients do not: a login would not lead back there. */
const TO_ESCAPE = /["<>\\]/g;
const NO_OTHERS = (): boolean => false;

/** One that the login takes: where a user was, or its path where that is too long, or the root. */
function returnTo(request: Exchange['request']): string {
  const path = request.path.replaceAll(TO_ESCAPE, encodeURIComponent);
  const whole = path + request.search.replaceAll(TO_ESCAPE, encodeURIComponent);
  const way = safeReturn(whole, request, NO_OTHERS) ?? safeReturn(path, request, NO_OTHERS) ?? '/';
  return encodeURIComponent(way);
}
