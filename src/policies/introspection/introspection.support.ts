import type { IncomingMessage, ServerResponse } from 'node:http';
import { IssuerServer } from '../../identity/issuer-server.support.ts';
import { AuthPlay, START_MS } from '../jwt/jwt.support.ts';

export const NOW = START_MS / 1000;

export type Answer =
  | Readonly<Record<string, unknown>>
  | number
  | 'silence'
  | 'nonsense'
  | 'page'
  | ((response: ServerResponse) => unknown);

export interface Stage {
  readonly play: AuthPlay;
  readonly server: IssuerServer;
  /** What is answered of a token; of any other that it is not active. */
  readonly tokens: Map<string, Answer>;
  /** Parameters of the questions, in order. */
  readonly asked: URLSearchParams[];
  readonly authorizations: (string | undefined)[];
}

export const ALICE = { active: true, sub: 'alice', exp: NOW + 3600 };

/** An authorization server, and a route whose tokens it is asked about. */
export async function withServer(
  options: Readonly<Record<string, unknown>>,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  await using server = await IssuerServer.start();
  const tokens = new Map<string, Answer>();
  const asked: URLSearchParams[] = [];
  const authorizations: (string | undefined)[] = [];
  server.answer('/introspect', (request: IncomingMessage, response: ServerResponse, body: string) => {
    const parameters = new URLSearchParams(body);
    asked.push(parameters);
    authorizations.push(request.headers.authorization);
    const answer = tokens.get(parameters.get('token') ?? '') ?? { active: false };
    if (typeof answer === 'function') return answer(response);
    if (answer === 'silence') return request.socket.destroy();
    if (typeof answer === 'number') return response.writeHead(answer).end();
    if (answer === 'page') return response.setHeader('content-type', 'text/html').end('<p>Hello');
    return answerJson(response, answer === 'nonsense' ? { active: 'yes' } : answer);
  });
  const all = { endpoint: `${server.url}/introspect`, clientId: 'gw', clientSecret: 's: e', ...options };
  using started = await AuthPlay.start('introspection', all);
  await act({ play: started, server, tokens, asked, authorizations });
}

export function answerJson(response: ServerResponse, answer: Readonly<Record<string, unknown>>): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
}
