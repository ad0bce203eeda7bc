import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** An answer with its body read. */
export interface PageAnswer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const MOST_REDIRECTS = 30;

/**
 * A browser without the browser: cookies by host name, redirects one at a time, forms. Enough to walk a login without Chromium; what a
 * browser decides (SameSite, cross-origin rules) is tested in a real one.
 */
export class UserAgent {
  /** By host name and cookie name. As in a browser, ports do not separate them. */
  readonly cookies = new Map<string, Map<string, string>>();
  /** Every address that was asked for. */
  readonly visited: string[] = [];
  readonly #fields: Readonly<Record<string, string>>;

  /** `fields` go with every request, beside those of a navigation. */
  constructor(fields: Readonly<Record<string, string>> = {}) {
    this.#fields = fields;
  }

  /** One request; a redirect is answered, not followed. A field whose value is empty is not sent. */
  async request(
    url: string,
    init: { method?: string; form?: Record<string, string>; fields?: Record<string, string> } = {},
  ): Promise<PageAnswer> {
    const { hostname } = new URL(url);
    const jar = this.cookies.get(hostname) ?? new Map<string, string>();
    this.cookies.set(hostname, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    this.visited.push(url);
    const body = init.form === undefined ? undefined : new URLSearchParams(init.form).toString();
    const method = init.method ?? (body === undefined ? 'GET' : 'POST');
    const answer = await send(url, method, body, {
      accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': 'none',
      ...this.#fields,
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...init.fields,
    });
    for (const line of answer.headers.getSetCookie()) keep(jar, line);
    return answer;
  }

  /** Goes where redirects lead, until there is a page. */
  async go(url: string): Promise<PageAnswer> {
    return this.follow(await this.request(url));
  }

  async follow(answer: PageAnswer): Promise<PageAnswer> {
    for (let hops = 0; hops < MOST_REDIRECTS; hops++) {
      const location = answer.headers.get('location');
      if (answer.status < 300 || answer.status > 399 || location === null) return answer;
      answer = await this.request(new URL(location, answer.url).href);
    }
    throw new Error(`there are more than ${MOST_REDIRECTS} redirects; the last leads to ${answer.url}`);
  }

  /** Fills in the form of a page, sends it, and goes where that leads. Fields that the page fills in itself go too. */
  async submit(page: PageAnswer, values: Record<string, string>): Promise<PageAnswer> {
    const action = /<form[^>]*\baction="([^"]*)"/.exec(page.body)?.[1];
    if (action === undefined)
      throw new Error(`there is no form at ${page.url} (${page.status}): ${page.body}`);
    const hidden: Record<string, string> = {};
    for (const [input] of page.body.matchAll(/<input\b[^>]*>/g)) {
      const name = /\bname="([^"]*)"/.exec(input)?.[1];
      if (name !== undefined && input.includes('type="hidden"'))
        hidden[name] = unescapeHtml(/\bvalue="([^"]*)"/.exec(input)?.[1] ?? '');
    }
    const url = new URL(unescapeHtml(action), page.url);
    const origin = url.origin;
    return this.follow(
      await this.request(url.href, {
        form: { ...hidden, ...values },
        fields: { origin, 'sec-fetch-site': 'same-origin' },
      }),
    );
  }

  /** Goes somewhere and signs in at each provider that asks on the way. Resolves with the page at the end. */
  async signIn(url: string, username: string, password = username): Promise<PageAnswer> {
    let page = await this.go(url);
    while (page.body.includes('name="password"')) {
      const asked = page.url;
      page = await this.submit(page, { username, password });
      if (page.url === asked) throw new Error(`${username} was not let in at ${asked}`);
    }
    return page;
  }

  cookie(url: string, name: string): string | undefined {
    return this.cookies.get(new URL(url).hostname)?.get(name);
  }
}

/** Not `fetch`, which has a mind of its own about some fields. */
function send(
  url: string,
  method: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<PageAnswer> {
  return new Promise((resolve, reject) => {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    const sent = request(url, { method, headers: given, agent: false }, (answer) => {
      text(answer).then((read) => {
        const fields = new Headers();
        for (const [name, values] of Object.entries(answer.headersDistinct))
          for (const value of values ?? []) fields.append(name, value);
        resolve({ url, status: answer.statusCode ?? 0, headers: fields, body: read });
      }, reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';');
  const [name = '', ...value] = pair.split('=');
  const gone = attributes.some((attribute) => {
    const [key = '', at = ''] = attribute.trim().toLowerCase().split('=');
    return (key === 'max-age' && Number(at) <= 0) || (key === 'expires' && Date.parse(at) <= Date.now());
  });
  if (gone) jar.delete(name.trim());
  else jar.set(name.trim(), value.join('='));
}

function unescapeHtml(escaped: string): string {
  return escaped
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
