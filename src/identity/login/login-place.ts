import { AllowedOrigins } from '../../http/allowed-origins.ts';
import { isSentByAllowedPage } from '../../http/sending-page.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { Records } from '../../state/records/records.ts';
import { RecordsUnavailable } from '../../state/records/records.ts';
import type { Identity } from '../identity.ts';
import { type Provider, ProviderRefused, ProviderUnavailable } from '../providers/provider.ts';
import type { SentToken } from '../sessions/sent-token.ts';
import type { Session, SessionFinding } from '../sessions/session.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { Begun } from './begun.ts';
import { FlowCookies } from './flow-cookies.ts';
import { Flows } from './flows.ts';
import { type LocalAnswer, page, problem } from './local-answer.ts';
import { safeReturn } from './return-to.ts';
import type { Visit } from './visit.ts';

/** Lines of the log on logins that fail at one provider are so far apart at least. */
const TELL_EVERY_MS = 10_000;

/** What the pages of a login of one kind of sessions have in common. */
export class LoginPlace {
  readonly identity: Identity;
  readonly sessions: Sessions;
  readonly begun: Begun;
  readonly flows: Flows;
  readonly flowCookies: FlowCookies;
  readonly origins: AllowedOrigins;
  /** Path of the pages, without a slash at the end. */
  readonly path: string;
  #isToldOfHttp = false;
  /** When the log was last told of an outage, by provider. */
  readonly #toldMs = new Map<string, number>();

  constructor(identity: Identity, name: string) {
    const sessions = identity.sessionsNamed(name);
    const { config } = sessions;
    this.identity = identity;
    this.sessions = sessions;
    const { records } = sessions.grants;
    this.begun = new Begun(records, sessions.ring, name);
    this.flows = new Flows(this.begun, records, sessions.ring, name);
    this.flowCookies = new FlowCookies(config.cookie.name);
    this.origins = new AllowedOrigins(config.origins);
    this.path = config.path;
  }

  get records(): Records {
    return this.sessions.grants.records;
  }

  provider(name: string): Provider {
    return this.identity.providers.named(name);
  }

  /** Undefined for one that may not be returned to; `otherwise` where none is given. */
  returnTo({ request, query }: Visit, otherwise = '/'): string | undefined {
    const text = query.get('redirect');
    if (text === null || text === '') return otherwise;
    return safeReturn(text, request, (origin) => this.origins.has(origin));
  }

  /** The session of the request, by whatever it is recognised; undefined where there is none. Throws `RecordsUnavailable`. */
  async session(visit: Visit): Promise<Session | undefined> {
    return (await this.#known(visit))?.session;
  }

  /** That of its cookie alone. */
  async browserSession(visit: Visit): Promise<Session | undefined> {
    const found = await this.#known(visit);
    return found?.by === 'cookie' ? found.session : undefined;
  }

  async #known({ request, client }: Visit): Promise<Extract<SessionFinding, { kind: 'known' }> | undefined> {
    const finding = await this.sessions.find(request, client);
    if (finding.kind === 'unavailable') throw new RecordsUnavailable(finding.detail);
    return finding.kind === 'known' ? finding : undefined;
  }

  /** That of a token of the gateway's own; undefined where it opens none. Throws `RecordsUnavailable`. */
  async tokenSession({ token }: SentToken): Promise<Session | undefined> {
    const finding = await this.sessions.findText(token);
    if (finding.kind === 'unavailable') throw new RecordsUnavailable(finding.detail);
    return finding.kind === 'known' ? finding.session : undefined;
  }

  /** Whether a page of the own origin or of an allowed one sent it, or its user; a request that does not tell is not taken for one. */
  isOwn({ request }: Visit): boolean {
    return isSentByAllowedPage(request, this.origins, false) === true;
  }

  /** For whoever has no session, and asks by a script. */
  unauthenticated({ request }: Visit): LocalAnswer {
    return problem(401, 'unauthenticated', 'Nobody is signed in.', {
      headers: { 'WWW-Authenticate': this.sessions.challenge.for(request.fields) },
      problem: { login: `${this.path}/login` },
    });
  }

  /** For whoever has a token that opens none. */
  wrongToken({ request }: Visit, { scheme }: SentToken): LocalAnswer {
    return problem(401, 'invalid_token', 'The token is not one of a session, or its session has ended.', {
      headers: { 'WWW-Authenticate': this.sessions.challenge.forWrongToken(request.fields, scheme) },
    });
  }

  /** A failure, as a page for people or as problem details. `links` are for people. */
  refuse(
    visit: Visit,
    status: number,
    code: string,
    detail: string,
    links: readonly { readonly text: string; readonly href: string }[] = [],
  ): LocalAnswer {
    if (!visit.isNavigation) return problem(status, code, detail);
    return page({ title: TITLES[code] ?? 'This did not work', text: detail, links }, status, code);
  }

  /** Over plain http browsers keep none of the cookies that a login needs (RFC 6265bis section 5.7). */
  refuseInsecure(visit: Visit): LocalAnswer {
    if (!this.#isToldOfHttp)
      this.identity.place.log(
        'warn',
        'a login was asked for over http, where browsers keep no cookie for it: where a proxy before the gateway has the TLS, forwarding.trust of the listener has to name it',
      );
    this.#isToldOfHttp = true;
    return this.refuse(visit, 400, 'insecure_login', 'A login needs https.');
  }

  /** What became of asking a provider or the store. What is unexpected is thrown again. */
  refuseFailure(visit: Visit, error: unknown, provider: string, retry: string): LocalAnswer {
    const links = [{ text: 'Try again', href: retry }];
    if (error instanceof RecordsUnavailable)
      return this.refuse(visit, 503, 'sessions_unavailable', 'Sessions cannot be read at the moment.', links);
    if (error instanceof ProviderRefused) {
      this.identity.place.log(
        'warn',
        `a login at ${provider} was refused: ${error.code}: ${messageOf(error)}`,
      );
      const denied = error.code === 'access_denied';
      const detail = denied ? `${provider} did not allow it.` : `${provider} refused the login.`;
      return this.refuse(visit, 403, denied ? 'access_denied' : 'login_refused', detail, links);
    }
    this.#tellOfOutage(provider, error);
    const detail = `${provider} cannot be reached at the moment.`;
    return this.refuse(visit, 503, 'provider_unavailable', detail, links);
  }

  /** Anybody may begin logins: in an outage a line for each would fill the disk. */
  #tellOfOutage(provider: string, error: unknown): void {
    const { log, nowMs } = this.identity.place;
    const toldMs = this.#toldMs.get(provider) ?? Number.NEGATIVE_INFINITY;
    if (nowMs() - toldMs < TELL_EVERY_MS) return;
    this.#toldMs.set(provider, nowMs());
    const what = `a login at ${provider} failed`;
    // Where the gateway knows what that is, no stack says more.
    if (error instanceof ProviderUnavailable) log('warn', `${what}: ${messageOf(error)}`);
    else log('warn', what, error);
  }
}

const TITLES: Readonly<Record<string, string>> = {
  access_denied: 'Not signed in',
  login_refused: 'Not signed in',
  other_user: 'Somebody else',
  login_invalid: 'This login is over',
  insecure_login: 'Not over http',
  provider_unavailable: 'Not at the moment',
  sessions_unavailable: 'Not at the moment',
  invalid_redirect: 'This address is not allowed',
};
