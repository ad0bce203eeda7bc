import { escapeHtml } from '../../../lib/html.ts';

/** What the page of the login says and offers. */
export interface LoginPageContent {
  /** Why the one before did not succeed. */
  readonly message?: string | undefined;
  readonly returnTo: string;
  /** Whether there is a form for a name and a password. */
  readonly local: boolean;
  /** Whether there is a way to an identity provider. */
  readonly external: boolean;
}

/** No script, no style but the page's own, in no frame, and what is sent goes to this origin alone. */
export const LOGIN_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:12vh auto;padding:0 1rem;color:#1d2433}
h1{font-size:1.25rem}label{display:block;margin:.75rem 0}
input{display:block;width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #8792a8;border-radius:4px}
button,a.button{display:block;width:100%;box-sizing:border-box;margin-top:1rem;padding:.6rem;font:inherit;text-align:center;
border:0;border-radius:4px;background:#1f4fbf;color:#fff;text-decoration:none;cursor:pointer}
p.message{padding:.6rem;background:#fde8e8;border-radius:4px}`;

/** Every text in it is escaped. */
export function loginPage({ message, returnTo, local, external }: LoginPageContent): string {
  const back = escapeHtml(returnTo);
  const said = message === undefined ? '' : `<p class="message" role="alert">${escapeHtml(message)}</p>\n`;
  const form = `<form method="post" action="/login">
<input type="hidden" name="return" value="${back}">
<label>Name <input name="name" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
`;
  const link = `<a class="button" href="/login/provider?return=${escapeHtml(encodeURIComponent(returnTo))}">Log in with the identity provider</a>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in · Portcullis</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Portcullis, admin port</h1>
${said}${local ? form : ''}${external ? link : ''}</body>
</html>
`;
}
