import { CookieRemover } from '../../http/cookie.ts';
import type { Fields } from '../../http/fields.ts';
import { type GatewayTokens, isGatewayToken } from './gateway-token.ts';
import type { SessionConfig } from './schema.ts';
import { ADMIN_COOKIE, FLOW_COOKIE, SessionCookie } from './session-cookie.ts';
import { VISITOR_COOKIE } from './visitors.ts';

/**
 * What opens sessions, and is the gateway's alone: its cookies, also those of logins under way, and the tokens that it made. Browsers send cookies to every
 * port of a host, so those of the admin port come too.
 */
export class OwnCredentials {
  readonly #cookies: CookieRemover;
  /** Undefined where the gateway makes no tokens. */
  readonly #tokens: GatewayTokens | undefined;

  constructor(sessions: Readonly<Record<string, SessionConfig>>) {
    const configs = Object.values(sessions);
    const names = configs.flatMap(({ cookie }) => [cookie.name, cookie.name + VISITOR_COOKIE]);
    const all = [...names, ADMIN_COOKIE, `${ADMIN_COOKIE}-flow`];
    this.#cookies = new CookieRemover(
      all.flatMap((name) => new SessionCookie(name, 'lax', 0).names),
      FLOW_COOKIE,
    );
    const devices = configs.some((config) => config.devices);
    const tokens = configs.find((config) => config.tokens !== undefined)?.tokens;
    if (devices || tokens !== undefined) this.#tokens = { devices, tokens };
  }

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
