import type { ClientView, Exchange, RequestView } from '../../policy/contract.ts';

/** A request to a page of a login, as these pages need it. */
export class Visit {
  readonly request: RequestView;
  readonly client: ClientView;
  readonly query: URLSearchParams;
  readonly #body: Buffer;
  #form: URLSearchParams | undefined;

  constructor({ request, client }: Exchange, body: Buffer) {
    this.request = request;
    this.client = client;
    this.query = new URLSearchParams(request.search);
    this.#body = body;
  }

  get clientAddress(): string {
    return this.client.address;
  }

  /** Scheme, host and port that the browser asked for. */
  get origin(): string {
    return `${this.request.scheme}://${this.request.authority}`;
  }

  /** What was sent as a form or as a JSON object of texts; empty where it is neither. */
  get form(): URLSearchParams {
    this.#form ??= readForm(this.request.fields.get('content-type'), this.#body);
    return this.#form;
  }

  /** Whether a browser goes there to show what comes; scripts and programs get problem details instead of pages. */
  get isNavigation(): boolean {
    const { fields } = this.request;
    const mode = fields.get('sec-fetch-mode');
    if (mode !== undefined) return mode === 'navigate';
    return fields.get('accept')?.includes('text/html') === true;
  }
}

function readForm(type: string | undefined, body: Buffer): URLSearchParams {
  const form = new URLSearchParams();
  const text = body.toString('utf8');
  if (type?.startsWith('application/x-www-form-urlencoded') === true) return new URLSearchParams(text);
  if (type?.startsWith('application/json') !== true) return form;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return form;
  }
  if (typeof value !== 'object' || value === null) return form;
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === 'string' || typeof member === 'number') form.append(key, String(member));
    else if (Array.isArray(member))
      form.append(key, member.filter((one) => typeof one === 'string').join(' '));
  }
  return form;
}
