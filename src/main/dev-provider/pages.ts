import { escapeHtml } from '../../lib/html.ts';

/** A page of an issuer. `body` is HTML; `problem` is a text that stands above it. */
export function page(title: string, body: string, problem?: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 10vh auto; padding: 0 1rem }
label, button { display: block; margin: 0.75rem 0 } input { display: block; width: 100%; font: inherit; padding: 0.4rem }
button { font: inherit; padding: 0.5rem 1rem } .problem { color: #a40000 } small { color: #555 }
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`}
${body}
</body>
</html>
`;
}

/** Asks who somebody is. `action` is where the form goes. */
export function loginPage(action: string, hint: string, name: string, problem?: string): string {
  return page(
    'Sign in',
    `<form method="post" action="${escapeHtml(action)}">
<label>User name <input name="username" autocomplete="username" required autofocus value="${escapeHtml(name)}"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
<p><small>${escapeHtml(hint)}</small></p>`,
    problem,
  );
}

/** Asks what a client may do. */
export function consentPage(action: string, client: string, scopes: string): string {
  return page(
    'Allow access',
    `<p>${escapeHtml(client)} asks for: ${escapeHtml(scopes)}</p>
<form method="post" action="${escapeHtml(action)}">
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
</form>`,
  );
}
