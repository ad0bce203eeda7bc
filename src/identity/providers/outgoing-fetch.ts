/** A request to a provider. */
export interface OutgoingRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 5000;

/** `fetch` that ends in time and follows no redirect: what is sent is meant for one address. */
export function boundedFetch({ timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number }) {
  return (url: string, request: OutgoingRequest = {}): Promise<Response> => {
    const { method = 'GET', headers = {}, body, signal } = request;
    const limit = AbortSignal.timeout(timeoutMs);
    return fetch(url, {
      method,
      headers: { ...headers },
      body: body as RequestInit['body'],
      redirect: 'manual',
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
  };
}
