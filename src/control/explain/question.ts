import { Fields } from '../../http/fields.ts';
import { parseAuthority } from '../../http/host.ts';
import { normalisePath } from '../../http/path.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { RoutedRequest } from '../../routing/types.ts';

/** A request that is to be explained. */
export interface Question {
  readonly method: string;
  /** Absolute, or a path alone, which is asked for at http://localhost. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface Asked extends RoutedRequest {
  /** Host and port as they would stand in Host. */
  readonly authority: string;
  readonly fields: Fields;
}

export type ReadQuestion =
  | { readonly ok: true; readonly request: Asked }
  | { readonly ok: false; readonly message: string };

const URL_PARTS = /^(?:(https?):\/\/([^/?#]+))?(\/[^?#]*)?(\?[^#]*)?(?:#.*)?$/i;

/** Makes the request that the data plane would see; refuses what it would refuse. */
export function readQuestion(question: Question): ReadQuestion {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(question.method))
    return no(`${JSON.stringify(question.method)} is not a method`);
  if (question.method === 'CONNECT' || question.method === 'TRACE')
    return no(`${question.method} goes to no route: the gateway answers 405`);
  const parts = URL_PARTS.exec(question.url);
  if (parts === null || (parts[2] === undefined && parts[3] === undefined)) {
    return no(`${JSON.stringify(question.url)} is not a URL: write https://host/path, or /path`);
  }
  const fields = new Fields();
  for (const [name, value] of question.headers) {
    try {
      fields.append(name, value);
    } catch (error) {
      return no(messageOf(error));
    }
  }
  const written = parts[2] ?? fields.get('host') ?? 'localhost';
  const named = parseAuthority(written);
  if (named === undefined) return no(`${JSON.stringify(written)} is not a host`);
  const { authority, host } = named;
  const raw = parts[3] ?? '/';
  const path = normalisePath(raw);
  if (path === undefined)
    return no(`the path ${JSON.stringify(raw)} is ambiguous or malformed: the gateway answers 400`);
  if (!fields.has('host')) fields.append('Host', authority);
  return {
    ok: true,
    request: {
      method: question.method,
      scheme: parts[1]?.toLowerCase() === 'https' ? 'https' : 'http',
      authority,
      host,
      path,
      search: parts[4] ?? '',
      fields,
    },
  };
}

function no(message: string): ReadQuestion {
  return { ok: false, message };
}
