/** An answer of the admin server. Every body is small and whole. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Values of Set-Cookie. */
  readonly cookies?: readonly string[];
}

type Headers = Readonly<Record<string, string>>;

export function text(status: number, body: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

export function json(status: number, value: unknown, headers: Headers = {}): AdminAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n`, headers };
}

/** An answer that is its status and fields alone: 204 and 304. */
export function empty(status: 204 | 304, headers: Headers = {}): AdminAnswer {
  return { status, type: '', body: '', headers };
}

/** Problem details (RFC 9457) with a stable `code`; `more` adds extension members. */
export function problem(
  status: number,
  code: string,
  title: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Headers = {},
): AdminAnswer {
  const body = JSON.stringify({ type: 'about:blank', title, status, code, ...more }, null, 2);
  return { status, type: 'application/problem+json', body: `${body}\n`, headers };
}
