import { escapeHtml } from '../../lib/html.ts';
import type { Answer } from '../../policy/contract.ts';

/** An answer with the cookies that it sets. */
export interface LocalAnswer {
  readonly answer: Answer;
  /** Values of Set-Cookie. */
  readonly cookies?: readonly string[];
}

/** With every answer here: nothing of it is kept, framed or guessed at, and no address of these pages goes to other sites. */
const GUARDED: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** No script, and no style but the page's own. Forms are left open: browsers would hold their redirects to a list of providers as well. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** 303: whatever the method was, what follows is a GET (RFC 9110 section 15.4.4). */
export function redirectTo(location: string, cookies: readonly string[] = []): LocalAnswer {
  return { answer: { status: 303, headers: { ...GUARDED, Location: location } }, cookies };
}

export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): LocalAnswer {
  return {
    answer: {
      status,
      headers: { ...GUARDED, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(value),
    },
  };
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): LocalAnswer {
  return { answer: { status, headers: { ...GUARDED, ...headers }, body: '' } };
}

/** Problem details (RFC 9457). */
export function problem(
  status: number,
  code: string,
  detail: string,
  more: { readonly problem?: Record<string, unknown>; readonly headers?: Record<string, string> } = {},
): LocalAnswer {
  const headers = { ...GUARDED, ...more.headers };
  return { answer: { status, code, detail, headers, ...(more.problem && { problem: more.problem }) } };
}

/** What a page says and where it leads. Texts are escaped here. */
export interface PageContent {
  readonly title: string;
  readonly text: string;
  /** HTML, such as a form. */
  readonly html?: string;
  readonly links?: readonly { readonly text: string; readonly href: string }[];
}

/** A page for people. `code` is for log and metrics where it tells of a failure. */
export function page(content: PageContent, status = 200, code?: string): LocalAnswer {
  const links = (content.links ?? []).map(
    ({ text, href }) => `<p><a href="${escapeHtml(href)}">${escapeHtml(text)}</a></p>`,
  );
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(content.title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 10vh auto; padding: 0 1rem }
button, input { font: inherit; padding: 0.4rem 0.8rem }
</style>
</head>
<body>
<h1>${escapeHtml(content.title)}</h1>
<p>${escapeHtml(content.text)}</p>
${content.html ?? ''}
${links.join('\n')}
</body>
</html>
`;
  return {
    answer: {
      status,
      headers: {
        ...GUARDED,
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': PAGE_POLICY,
      },
      body,
      ...(code !== undefined && { code }),
    },
  };
}

/** Goes on to an address from a page of the own origin: what a redirect from another site leads to has no cookie that is `SameSite=Strict`. */
export function goOnByPage(location: string, cookies: readonly string[]): LocalAnswer {
  const { answer } = page({
    title: 'Signed in',
    text: 'You are signed in.',
    links: [{ text: 'Go on', href: location }],
  });
  const headers = { ...answer.headers, Refresh: `0;url=${location}` };
  return { answer: { ...answer, headers }, cookies };
}

/** The same answer with further cookies. */
export function withCookies(made: LocalAnswer, cookies: readonly string[]): LocalAnswer {
  return cookies.length === 0 ? made : { ...made, cookies: [...(made.cookies ?? []), ...cookies] };
}

/** The same answer with further fields. */
export function withFields(made: LocalAnswer, fields: Readonly<Record<string, string>>): LocalAnswer {
  return { ...made, answer: { ...made.answer, headers: { ...made.answer.headers, ...fields } } };
}
