/** An answer of the admin server. Every body is small and whole. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function text(status: number, body: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

export function json(status: number, value: unknown): AdminAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

/** Problem details (RFC 9457) with a stable `code`; `more` adds extension members. */
export function problem(
  status: number,
  code: string,
  title: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): AdminAnswer {
  const body = JSON.stringify({ type: 'about:blank', title, status, code, ...more }, null, 2);
  return { status, type: 'application/problem+json', body: `${body}\n`, headers };
}
