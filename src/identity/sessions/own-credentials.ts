import { CookieRemover } from '../../http/cookie.ts';
import type { Fields } from '../../http/fields.ts';
import { type GatewayTokens, isGatewayToken } from './gateway-token.ts';
import type { SessionConfig } from './schema.ts';
import { ADMIN_COOKIES, FLOW_COOKIE, SessionCookie } from './session-cookie.ts';
import { VISITOR_COOKIE } from './visitors.ts';

/**
 * What opens sessions, and is the gateway's alone: its cookies, also those of logins under way, and the tokens that it made.
 */
export class OwnCredentials {
  readonly #cookies: CookieRemover;
  /** Undefined where the gateway makes no tokens. */
  readonly #tokens: GatewayTokens | undefined;

  private constructor(configs: readonly SessionConfig[], hasAdminLogins: boolean) {
    const names = configs.flatMap(({ cookie }) => [cookie.name, cookie.name + VISITOR_COOKIE]);
    const all = hasAdminLogins ? [...names, ...ADMIN_COOKIES] : names;
    this.#cookies = new CookieRemover(
      all.flatMap((name) => new SessionCookie(name, 'lax', 0).names),
      FLOW_COOKIE,
    );
    const devices = configs.some((config) => config.devices);
    const tokens = configs.find((config) => config.tokens !== undefined)?.tokens;
    if (devices || tokens !== undefined) this.#tokens = { devices, tokens };
  }

  /**
   * Undefined where there can be none, so that no request is looked at. `hasAdminLogins`: browsers log in at the admin port, and send its cookies to every
   * other port of its host too (RFC 6265 section 8.5); which host that is, no configuration says.
   */
  static of(
    sessions: Readonly<Record<string, SessionConfig>>,
    hasAdminLogins: boolean,
  ): OwnCredentials | undefined {
    const configs = Object.values(sessions);
    return configs.length === 0 && !hasAdminLogins ? undefined : new OwnCredentials(configs, hasAdminLogins);
  }

  /**
   * No service, and whoever writes into its answers, sets them: a browser that was given the secret of somebody else's session would work for
   * them. Most answers set no cookie, and are not looked through.
   */
  takeOffAnswer(fields: Fields): void {
    if (fields.has('set-cookie')) fields.retain(this.#mayAnswer);
  }

  readonly #mayAnswer = (lower: string, value: string): boolean =>
    lower !== 'set-cookie' || this.#cookies.without(`${nameSetBy(value)}=`) !== '';

  /** No service, and whoever reads its log, is to have them, whatever the policies of the route. */
  takeOff(fields: Fields): void {
    this.#cookies.takeOff(fields);
    const tokens = this.#tokens;
    if (tokens === undefined) return;
    const authorization = fields.get('authorization');
    if (authorization === undefined) return;
    const isOurs = fields.repeats('authorization')
      ? fields.getAll('authorization').some((one) => isGatewayToken(one, tokens))
      : isGatewayToken(authorization, tokens);
    if (isOurs) fields.delete('authorization');
  }
}

/** As browsers read it (RFC 6265bis section 5.6): without blanks around it. Where it is empty, what is sent back begins with the value. */
function nameSetBy(setCookie: string): string {
  const text = setCookie.replace(/^[\s=]+/, '');
  const end = text.indexOf('=');
  return end < 0 ? '' : text.slice(0, end).trim();
}
