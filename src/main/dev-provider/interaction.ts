import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider, UnknownObject } from 'oidc-provider';
import { allow } from './configuration.ts';
import { consentPage, loginPage } from './pages.ts';
import type { DevIssuerSettings } from './settings.ts';

const FORM_BYTES = 8192;

/** The pages that users see on the way: they sign in, and are asked what the client may do where the settings want it. */
export async function interact(
  provider: Provider,
  settings: DevIssuerSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response);
  const form = request.method === 'POST' ? await readForm(request) : undefined;
  if (interaction.prompt.name === 'login') {
    const name = form?.get('username') ?? parameter(interaction, 'login_hint');
    const user = settings.users.find((candidate) => candidate.name === name);
    if (user !== undefined && form?.get('password') === user.password)
      return provider.interactionFinished(request, response, { login: { accountId: user.name } });
    const hint = `For example ${settings.users.map((known) => `${known.name} / ${known.password}`).join(', ')}`;
    const problem = form === undefined ? undefined : 'User name or password is wrong.';
    return answer(response, loginPage(requestPath(request), hint, name, problem));
  }
  const clientId = parameter(interaction, 'client_id');
  const scope = parameter(interaction, 'scope');
  if (settings.consent === 'page' && form === undefined)
    return answer(response, consentPage(requestPath(request), clientId, scope));
  if (form?.get('answer') === 'deny') {
    const result = { error: 'access_denied', error_description: 'The user said no.' };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const accountId = interaction.session?.accountId as string;
  const known =
    interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  const grant = known ?? new provider.Grant({ accountId, clientId });
  allow(grant, scope, settings);
  const result = { consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

function parameter(interaction: { readonly params: UnknownObject }, name: string): string {
  const value = interaction.params[name];
  return typeof value === 'string' ? value : '';
}

function requestPath(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? '/';
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) {
    text += String(piece);
    if (text.length > FORM_BYTES) throw new Error('the form is too long');
  }
  return new URLSearchParams(text);
}

function answer(response: ServerResponse, html: string): void {
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(html);
}
