import { CookieRemover, cookieValue, cookieValues } from '../../http/cookie.ts';
import type { Fields } from '../../http/fields.ts';
import { authorizationFor } from '../../identity/authorization-field.ts';
import type { RequestView } from '../../policy/contract.ts';
import { decodePercent } from '../../policy/percent.ts';
import { queryValue, withoutParameter } from '../../policy/query.ts';

/** Where a key may stand. */
export interface Place {
  /** For the challenge: `header`, `query`, `cookie`; empty where the scheme says it. */
  readonly kind: string;
  readonly name: string;
  /** The key as it was sent, the first of several; undefined when there is none. */
  read(request: RequestView): string | undefined;
  /** It stands there more than once. */
  isRepeated(request: RequestView): boolean;
  strip(request: RequestView): void;
}

export function headerPlace(name: string): Place {
  const lower = name.toLowerCase();
  return {
    kind: 'header',
    name,
    read: ({ fields }) => fields.get(lower),
    isRepeated: ({ fields }) => fields.repeats(lower),
    strip: ({ fields }) => void fields.delete(lower),
  };
}

export function authorizationPlace(scheme: string): Place {
  return {
    kind: '',
    name: scheme === 'bearer' ? 'Bearer' : 'ApiKey',
    // Of several any may be the one of this scheme: whoever asks on hears that the field is repeated.
    read: ({ fields }) =>
      authorizationFor(fields, scheme) ?? (fields.repeats('authorization') ? '' : undefined),
    isRepeated: ({ fields }) => fields.repeats('authorization'),
    strip: ({ fields }) => {
      if (authorizationFor(fields, scheme) !== undefined) fields.delete('authorization');
    },
  };
}

export function queryPlace(name: string): Place {
  return {
    kind: 'query',
    name,
    read: ({ search }) => {
      if (search === '') return undefined;
      const value = queryValue(search, name);
      return value === undefined ? undefined : (decodePercent(value, true) ?? value);
    },
    isRepeated: ({ search }) => {
      const one = withoutFirst(search, name);
      return one !== undefined && queryValue(one, name) !== undefined;
    },
    strip: (request) => {
      request.upstreamSearch = withoutParameter(request.upstreamSearch, name);
    },
  };
}

export function cookiePlace(name: string): Place {
  const remover = new CookieRemover([name]);
  return {
    kind: 'cookie',
    name,
    read: ({ fields }) => cookieValue(cookies(fields), name),
    isRepeated: ({ fields }) => cookieValues(cookies(fields) ?? '', name).length > 1,
    strip: ({ fields }) => remover.takeOff(fields),
  };
}

/** All of a request, which most have in one field. */
function cookies(fields: Fields): string | undefined {
  return fields.repeats('cookie') ? fields.getAll('cookie').join('; ') : fields.get('cookie');
}

/** The query behind the first parameter of that name; undefined when there is none. */
function withoutFirst(search: string, name: string): string | undefined {
  for (let start = 1; start < search.length; ) {
    const end = search.indexOf('&', start);
    const parameter = search.slice(start, end < 0 ? search.length : end);
    if (queryValue(`?${parameter}`, name) !== undefined)
      return end < 0 ? undefined : `?${search.slice(end + 1)}`;
    if (end < 0) return undefined;
    start = end + 1;
  }
  return undefined;
}
