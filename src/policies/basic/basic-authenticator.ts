import {
  ABSENT,
  type Authenticator,
  type Finding,
  type Known,
  type Refused,
  type Unavailable,
} from '../../identity/authenticator.ts';
import { authorizationFor } from '../../identity/authorization-field.ts';
import { readBasic } from '../../identity/basic-credentials.ts';
import type { BasicUsers } from '../../identity/consumers/basic-users.ts';
import type { Exchange } from '../../policy/contract.ts';
import { challengeText } from '../auth/challenge.ts';
import type { BasicOptions } from './schema.ts';

const WRONG: Refused = {
  kind: 'refused',
  code: 'invalid_credentials',
  detail: 'There is no user with that name and password.',
};
const MALFORMED: Refused = {
  kind: 'refused',
  code: 'invalid_credentials',
  detail: 'The Authorization field holds no user name and password.',
};
const BUSY: Unavailable = {
  kind: 'unavailable',
  detail: 'Too many passwords are being checked.',
  retryAfterMs: 1000,
};

/** User names and passwords of consumers (RFC 7617). */
export class BasicAuthenticator implements Authenticator {
  readonly method = 'basic';
  readonly #users: BasicUsers;
  readonly #challenge: string;
  readonly #forward: boolean;

  constructor({ realm, forward }: BasicOptions, users: BasicUsers) {
    this.#users = users;
    this.#challenge = challengeText('Basic', { realm, charset: 'UTF-8' });
    this.#forward = forward;
  }

  authenticate({ request, client }: Exchange): Finding | Promise<Finding> {
    const sent = authorizationFor(request.fields, 'basic');
    // One field is allowed (RFC 9110 section 11.6.2); which of two counts is not for the gateway and the upstream to differ about, and a second
    // one of this scheme is not to go by as nothing.
    if (request.fields.repeats('authorization')) return MALFORMED;
    if (sent === undefined) return ABSENT;
    const credentials = readBasic(sent);
    if (credentials === undefined) return MALFORMED;
    const found = this.#users.find(credentials.name, credentials.password, client.address);
    return found instanceof Promise ? found.then(findingOf) : findingOf(found);
  }

  challenge(): string {
    return this.#challenge;
  }

  strip({ request }: Exchange): void {
    if (!this.#forward && authorizationFor(request.fields, 'basic') !== undefined)
      request.fields.delete('authorization');
  }
}

function findingOf(found: Known | undefined | 'busy'): Finding {
  if (found === 'busy') return BUSY;
  return found ?? WRONG;
}
