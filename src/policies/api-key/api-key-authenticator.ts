import { ABSENT, type Authenticator, type Finding, type Refused } from '../../identity/authenticator.ts';
import type { ApiKeys } from '../../identity/consumers/api-keys.ts';
import type { Exchange } from '../../policy/contract.ts';
import { challengeText } from '../auth/challenge.ts';
import { authorizationPlace, cookiePlace, headerPlace, type Place, queryPlace } from './places.ts';
import type { ApiKeyOptions } from './schema.ts';

/** As long as the configuration takes them. */
const MAX_CHARACTERS = 1024;

const WRONG: Refused = {
  kind: 'refused',
  code: 'invalid_credentials',
  detail: 'The API key is not a valid one.',
};
const REPEATED: Refused = {
  kind: 'refused',
  code: 'invalid_credentials',
  detail: 'The API key is sent more than once.',
};

/** Keys of consumers. The first place that holds one counts. */
export class ApiKeyAuthenticator implements Authenticator {
  readonly method = 'api-key';
  readonly #keys: ApiKeys;
  readonly #places: readonly Place[];
  readonly #prefix: string;
  readonly #challenge: string;
  readonly strip?: (exchange: Exchange) => void;

  constructor(options: ApiKeyOptions, keys: ApiKeys) {
    this.#keys = keys;
    this.#prefix = options.prefix ?? '';
    this.#places = placesOf(options);
    this.#challenge = challengeOf(options.realm, this.#places);
    if (!options.forward) this.strip = (exchange) => this.#strip(exchange);
  }

  authenticate({ request }: Exchange): Finding {
    const places = this.#places;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as Place;
      const key = place.read(request);
      if (key === undefined) continue;
      // Before the prefix: one that is none may hide one that is.
      if (place.isRepeated(request)) return REPEATED;
      if (!key.startsWith(this.#prefix)) continue;
      if (key === '' || key.length > MAX_CHARACTERS) return WRONG;
      return this.#keys.find(key) ?? WRONG;
    }
    return ABSENT;
  }

  challenge(): string {
    return this.#challenge;
  }

  /** What has another prefix is somebody else's, such as a token. */
  #strip({ request }: Exchange): void {
    const places = this.#places;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as Place;
      if (this.#prefix === '' || place.read(request)?.startsWith(this.#prefix)) place.strip(request);
    }
  }
}

function placesOf(options: ApiKeyOptions): readonly Place[] {
  const { query, cookie, authorization } = options;
  return [
    ...fieldsOf(options).map(headerPlace),
    ...authorization.map(authorizationPlace),
    ...listed(query).map(queryPlace),
    ...listed(cookie).map(cookiePlace),
  ];
}

/** Fields that may hold a key, beside Authorization. */
export function fieldsOf({ header, query, cookie, authorization }: ApiKeyOptions): readonly string[] {
  const isElsewhere = query !== undefined || cookie !== undefined || authorization.length > 0;
  return header === undefined && !isElsewhere ? ['x-api-key'] : listed(header);
}

/** One name or several, as the configuration has them. */
export function listed(names: string | readonly string[] | undefined): readonly string[] {
  if (names === undefined) return [];
  return typeof names === 'string' ? [names] : names;
}

/** No scheme is registered for keys in other places: one that says where the key goes, in the words of OpenAPI. */
function challengeOf(realm: string, places: readonly Place[]): string {
  return places
    .map(({ kind, name }) =>
      kind === '' ? challengeText(name, { realm }) : challengeText('ApiKey', { realm, in: kind, name }),
    )
    .join(', ');
}
