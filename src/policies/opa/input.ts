import type { Exchange } from '../../policy/contract.ts';
import { decodeOctets, decodePercent } from '../../policy/percent.ts';
import { authenticated } from '../../policy/principal.ts';

/** What OPA is told of a request: the `input` of its rules, as JSON. */
export function inputOf(exchange: Exchange, headers: readonly string[]): string {
  const { request, client } = exchange;
  const principal = authenticated(exchange.principal);
  return JSON.stringify({
    method: request.method,
    scheme: request.scheme,
    host: request.host,
    path: segmentsOf(request.path),
    query: queryOf(request.search),
    headers: headersOf(exchange, headers),
    route: exchange.routeName,
    client: { address: client.address },
    principal:
      principal === undefined
        ? null
        : {
            method: principal.method,
            consumer: principal.consumer,
            subject: principal.subject,
            issuer: principal.issuer,
            scopes: principal.scopes,
            groups: principal.groups,
            roles: principal.roles,
            claims: principal.claims,
          },
  });
}

/** Decoded one by one, so that an encoded slash is within a segment. */
function segmentsOf(path: string): string[] {
  const segments = path.slice(1).split('/');
  return segments.map((segment) => decodePercent(segment, false));
}

/** Every value of a name: a rule that looks at one of two would be deceived by the other. */
function queryOf(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(search)) (query[name] ??= []).push(value);
  return query;
}

function headersOf({ request: { fields } }: Exchange, names: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const name of names)
    if (fields.has(name)) headers[name] = decodeOctets(fields.getAll(name).join(', '));
  return headers;
}
