import { CookieRemover } from '../../http/cookie.ts';
import type { Fields } from '../../http/fields.ts';
import {
  type Absent,
  type Authenticator,
  type Finding,
  GONE,
  type Refused,
  type Unavailable,
} from '../../identity/authenticator.ts';
import { ownerOf } from '../../identity/consumers/consumer.ts';
import type { ConsumerIndex } from '../../identity/consumers/consumer-index.ts';
import type { OwnCredentials } from '../../identity/sessions/own-credentials.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { sha256 } from '../../lib/sha256.ts';
import { AwaitedWork, awaitFor, stopWaiting } from '../../policy/awaited-work.ts';
import type { Answer, Exchange } from '../../policy/contract.ts';
import { type Held, heldBy, hold } from '../../policy/held.ts';
import { type Principal, visitorPrincipal } from '../../policy/principal.ts';
import { isOwnField } from '../field-options.ts';
import { IdentityFields } from '../identity-field-set.ts';
import type { AuthService, ServiceAnswer } from './auth-service.ts';
import type { ForwardAuthOptions } from './schema.ts';

/** Answers that are remembered at most. */
const MAX_REMEMBERED = 10_000;

const UNAVAILABLE: Unavailable = {
  kind: 'unavailable',
  detail: 'The service that says who may call does not answer.',
  retryAfterMs: 1000,
};

const NOBODY = visitorPrincipal('');

/** Where the request has none of the fields that it is asked about. */
const UNSHOWN: Unavailable = { ...UNAVAILABLE, isUnshown: true };

/** Fields of an answer that the client gets with it. Its body is as it came, with its coding. */
const PASSED = [
  'location',
  'www-authenticate',
  'content-type',
  'content-encoding',
  'content-language',
  'cache-control',
  'retry-after',
];

export interface ForwardAuthPlace {
  readonly service: Pick<AuthService, 'ask' | 'close'>;
  readonly consumers: ConsumerIndex;
  readonly ownCredentials?: Pick<OwnCredentials, 'takeOff' | 'takeOffAnswer'> | undefined;
  readonly nowMs: () => number;
  readonly warn: (message: string, cause?: unknown) => void;
}

/** Fields: pairs of name and value. */
type Pairs = readonly (readonly [name: string, value: string])[];

/** What a 2xx said. */
interface Permit {
  readonly principal: Principal;
  readonly fields: Pairs;
  readonly untilMs: number;
}

/** What is kept for a request: fields for the upstream, cookies for the client. */
interface Kept extends Held {
  readonly fields: Pairs;
  readonly cookies: readonly string[];
}

/** Asks a service of the operator's own, as oauth2-proxy and Traefik do it. */
export class ForwardAuthenticator implements Authenticator {
  readonly method = 'forward-auth';
  readonly #options: ForwardAuthOptions;
  readonly #place: ForwardAuthPlace;
  readonly #sessionCookies: CookieRemover;
  readonly #said: IdentityFields;
  readonly #remembered = new BoundedMap<string, Permit>(MAX_REMEMBERED);
  #isWarned = false;

  constructor(options: ForwardAuthOptions, place: ForwardAuthPlace) {
    this.#options = options;
    this.#place = place;
    this.#said = new IdentityFields(options.responseHeaders);
    this.#sessionCookies = new CookieRemover(options.sessionCookies);
  }

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    const key = this.#options.cacheFor === 0 ? undefined : this.#keyOf(exchange);
    const known = key === undefined ? undefined : this.#remembered.get(key);
    if (known !== undefined && known.untilMs > this.#place.nowMs()) {
      this.#keep(exchange, known.fields, []);
      return { kind: 'known', principal: known.principal };
    }
    return this.#ask(exchange, key);
  }

  /** The service's own answer has it, if anything has. */
  challenge(): undefined {
    return undefined;
  }

  /** Takes off what only the service may say, and says it. */
  strip(exchange: Exchange): void {
    const { fields } = exchange.request;
    const { requestHeaders, forward } = this.#options;
    // The upstream would take a client's word for the service's, in whichever spelling it reads.
    this.#said.strip(fields);
    if (!forward) {
      for (const name of requestHeaders) if (name !== 'cookie') fields.delete(name);
      this.#sessionCookies.takeOff(fields);
    }
    for (const [name, value] of heldBy<Kept>(exchange, this)?.fields ?? []) fields.push(name, name, value);
  }

  onResponse(exchange: Exchange): void {
    for (const value of heldBy<Kept>(exchange, this)?.cookies ?? [])
      exchange.response.fields.push('set-cookie', 'Set-Cookie', value);
  }

  onEnd(exchange: Exchange): void {
    stopWaiting(exchange, this.#place.service);
  }

  close(): void {
    this.#place.service.close();
  }

  async #ask(exchange: Exchange, key: string | undefined): Promise<Finding> {
    const { responseHeaders, cacheFor } = this.#options;
    const { service, ownCredentials } = this.#place;
    // What opens sessions of the gateway is no service's to have.
    const shown = exchange.request.fields.clone();
    ownCredentials?.takeOff(shown);
    const isKnowable = this.#isKnowable(shown);
    const question = new AwaitedWork((gone) => service.ask(this.#question(exchange, shown), gone));
    let answer: ServiceAnswer;
    try {
      answer = await awaitFor(exchange, service, question);
    } catch (error) {
      return question.isGivenUp ? GONE : this.#unavailable(error, isKnowable);
    }
    if (answer.status >= 500) return this.#unavailable(new Error(`it answered ${answer.status}`), isKnowable);
    this.#isWarned = false;
    ownCredentials?.takeOffAnswer(answer.fields);
    const cookies = answer.fields.getAll('set-cookie');
    if (answer.status < 200 || answer.status > 299) {
      this.#keep(exchange, [], cookies);
      return refusal(answer, isKnowable);
    }
    const fields = passedOf(answer.fields, responseHeaders);
    const permit = { principal: this.#principalOf(answer), fields, untilMs: this.#place.nowMs() + cacheFor };
    if (key !== undefined) this.#remembered.set(key, permit);
    this.#keep(exchange, fields, this.#options.setCookies ? cookies : []);
    return { kind: 'known', principal: permit.principal };
  }

  /** Whether the request has anything that the service could know its caller by. Every page of a host sends cookies that are not the service's. */
  #isKnowable(fields: Fields): boolean {
    const { requestHeaders, sessionCookies } = this.#options;
    return requestHeaders.some((name) =>
      name === 'cookie' && sessionCookies.length > 0
        ? fields.getAll(name).some((field) => this.#sessionCookies.without(field) !== field)
        : fields.has(name),
    );
  }

  #keep(exchange: Exchange, fields: Pairs, cookies: readonly string[]): void {
    if (fields.length === 0 && cookies.length === 0) return;
    const kept: Kept = { owner: this, next: undefined, fields, cookies };
    hold(exchange, kept);
  }

  /** The names of Traefik's ForwardAuth. */
  #question({ request, client, id }: Exchange, shown: Fields): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const name of this.#options.requestHeaders) {
      const values = shown.getAll(name);
      if (values.length > 0) headers[name] = values.join(name === 'cookie' ? '; ' : ', ');
    }
    return {
      ...headers,
      'x-forwarded-method': request.method,
      'x-forwarded-proto': request.scheme,
      'x-forwarded-host': request.authority,
      'x-forwarded-uri': request.path + request.search,
      'x-forwarded-for': client.address,
      'x-request-id': id,
    };
  }

  #keyOf({ request, client }: Exchange): string {
    const { requestHeaders, cacheBy } = this.#options;
    const values = requestHeaders.map((name) => request.fields.getAll(name));
    const { method, scheme, authority, path, search } = request;
    const asked = cacheBy === 'credentials' ? [] : [method, scheme, authority, path, search, client.address];
    return sha256(JSON.stringify([values, asked]));
  }

  #principalOf({ fields }: ServiceAnswer): Principal {
    const { consumer: consumerField, groups: groupsField } = this.#options;
    const name = consumerField === undefined ? '' : (fields.get(consumerField) ?? '');
    // It lets the request through, as one that needs nobody to be known.
    if (consumerField !== undefined && name === '') return NOBODY;
    const listed = groupsField === undefined ? [] : fields.getAll(groupsField).join(',').split(',');
    const consumer = this.#place.consumers.named(name);
    const groups = listed.map((group) => group.trim()).filter((group) => group !== '');
    return {
      method: this.method,
      consumer: name,
      subject: name,
      issuer: '',
      scopes: [],
      groups: [...new Set([...(consumer?.groups ?? []), ...groups])],
      roles: [],
      claims: {},
      session: '',
      expiresAtMs: Number.POSITIVE_INFINITY,
      ...ownerOf(consumer),
    };
  }

  #unavailable(error: unknown, isKnowable: boolean): Unavailable {
    // Once per outage: a line for each request would be a second one.
    if (!this.#isWarned) this.#place.warn('the service of forward-auth cannot be asked', error);
    this.#isWarned = true;
    return isKnowable ? UNAVAILABLE : UNSHOWN;
  }
}

/** What the upstream gets, each field once though several of the options may mean it. */
function passedOf({ list }: Fields, options: readonly string[]): Pairs {
  const exact = new Set(options);
  const prefixes = options.filter((option) => option.endsWith('*')).map((option) => option.slice(0, -1));
  const pairs: [name: string, value: string][] = [];
  for (let i = 0; i < list.length; i += 3) {
    const name = list[i] as string;
    const begins = prefixes.some((prefix) => name.startsWith(prefix));
    if (exact.has(name) || (begins && !isOfAnswer(name))) pairs.push([name, list[i + 2] as string]);
  }
  return pairs;
}

/** Whether a field says something of the answer or its connection, and nothing to the upstream. */
function isOfAnswer(name: string): boolean {
  return isOwnField(name) || name === 'set-cookie' || name === 'www-authenticate';
}

/** Whoever sent nothing that could tell who they are is absent; the service's answer is theirs all the same, such as the way to a login. */
function refusal({ status, fields, body }: ServiceAnswer, isKnowable: boolean): Absent | Refused {
  const headers: Record<string, string> = {};
  for (const name of PASSED) {
    const values = fields.getAll(name);
    if (values.length > 0) headers[name] = values.join(', ');
  }
  const answer: Answer = {
    status,
    headers,
    body,
    code: isKnowable ? 'invalid_credentials' : 'unauthenticated',
  };
  if (!isKnowable) return { kind: 'absent', answer };
  return { kind: 'refused', code: 'invalid_credentials', detail: '', answer };
}
