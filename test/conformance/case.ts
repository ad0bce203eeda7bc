/** One input of a client, to the octet, and what must come of it. */
export interface ConformanceCase {
  readonly title: string;
  /** RFC and section, or the advisory or paper that made it known. */
  readonly source: string;
  /** latin1: one character is one octet. */
  readonly bytes: string;
  readonly expect: Expectation;
}

export type Expectation =
  /** Answered so, the connection closed, no whole request forwarded, and what follows is not read as a request. */
  | { readonly kind: 'refused'; readonly status: number }
  /** Exactly one request reaches the upstream, and it looks like this there. */
  | ({ readonly kind: 'forwarded' } & Forwarded)
  /** Answered by the gateway itself; the connection lives on, unless `closes`. */
  | { readonly kind: 'answered'; readonly status: number; readonly closes?: boolean };

export interface Forwarded {
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
  /** Fields that must be there with exactly this value; undefined: that must not be there. Names in small letters. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Whether the connection to the client is closed after the answer. */
  readonly closes?: boolean;
}

export const HOST = 'Host: a.example';

/** A request with CR LF where it belongs: its lines, the empty line, the body. */
export function request(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** A POST with a Host and further field lines. */
export function post(fieldLines: readonly string[], body = ''): string {
  return request(['POST /form HTTP/1.1', HOST, ...fieldLines], body);
}

/** A GET with a Host and further field lines. */
export function get(fieldLines: readonly string[] = [], target = '/page'): string {
  return request([`GET ${target} HTTP/1.1`, HOST, ...fieldLines]);
}

export const refused = (status: number): Expectation => ({ kind: 'refused', status });
export const forwarded = (as: Forwarded): Expectation => ({ kind: 'forwarded', ...as });
