import { isToken } from '../http/fields.ts';
import { nearest } from '../lib/nearest.ts';
import type { Exchange } from './contract.ts';
import { escapedClaim, escapedList, escapeText } from './escaped.ts';
import type { Principal } from './principal.ts';
import { queryValue } from './query.ts';

/**
 * How a value came: `plain` text of latin1 octets, a `path` or one `segment` of it, percent-encoded, `form`, a query's value,
 * percent-encoded with `+` for a space, or `escaped`, text whose `%` and whatever is not printable ASCII is percent-encoded. Where the value
 * goes decides what is done about it.
 */
export type Encoding = 'plain' | 'path' | 'segment' | 'form' | 'escaped';

/** A part of a template that a request fills in. */
export interface Variable {
  readonly encoding: Encoding;
  /** As in the template, without the braces. */
  readonly text: string;
  /** The value as it was sent; empty when there is none. */
  read(exchange: Exchange): string;
}

const plain = (text: string, read: (exchange: Exchange) => string): Variable => ({
  encoding: 'plain',
  text,
  read,
});

const ofPrincipal = (text: string, read: (principal: Principal) => string): Variable => ({
  encoding: 'escaped',
  text,
  read: ({ principal }) => (principal === undefined ? '' : read(principal)),
});

const FIXED: ReadonlyMap<string, Variable> = new Map(
  [
    plain('client.address', (exchange) => exchange.client.address),
    plain('request.id', (exchange) => exchange.id),
    plain('request.method', (exchange) => exchange.request.method),
    plain('request.scheme', (exchange) => exchange.request.scheme),
    plain('request.host', (exchange) => exchange.request.host),
    { encoding: 'path' as const, text: 'request.path', read: (exchange: Exchange) => exchange.request.path },
    plain('route', (exchange) => exchange.routeName),
    plain('service', (exchange) => exchange.serviceName ?? ''),
    ofPrincipal('principal.consumer', ({ consumer }) => escapeText(consumer)),
    ofPrincipal('principal.subject', ({ subject }) => escapeText(subject)),
    ofPrincipal('principal.issuer', ({ issuer }) => escapeText(issuer)),
    ofPrincipal('principal.method', ({ method }) => escapeText(method)),
    ofPrincipal('principal.session', ({ session }) => escapeText(session)),
    ofPrincipal('principal.scopes', ({ scopes }) => escapedList(scopes, ' ')),
    ofPrincipal('principal.groups', ({ groups }) => escapedList(groups, ',')),
    ofPrincipal('principal.roles', ({ roles }) => escapedList(roles, ',')),
  ].map((variable) => [variable.text, variable]),
);

const NAMED: ReadonlyMap<string, (name: string, text: string) => Variable | string> = new Map([
  [
    'header',
    (name: string, text: string) => {
      if (!isToken(name)) return `${JSON.stringify(name)} is not a field name`;
      const lower = name.toLowerCase();
      return plain(text, (exchange) => exchange.request.fields.get(lower) ?? '');
    },
  ],
  [
    'query',
    (name: string, text: string): Variable => ({
      encoding: 'form',
      text,
      read: (exchange) => queryValue(exchange.request.search, name) ?? '',
    }),
  ],
  [
    'claims',
    (name: string, text: string): Variable => ofPrincipal(text, ({ claims }) => escapedClaim(claims, name)),
  ],
  [
    'path',
    (name: string, text: string): Variable => ({
      encoding: 'segment',
      text,
      read: (exchange) => exchange.param(name) ?? '',
    }),
  ],
]);

/** What stands between `${` and `}` for people to choose from. */
export const VARIABLES: readonly string[] = [
  ...FIXED.keys(),
  'header.<name>',
  'query.<name>',
  'path.<capture>',
  'claims.<name>',
];

/** What people write who know another gateway. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['client.ip', 'client.address'],
  ['remote_addr', 'client.address'],
  ['ip', 'client.address'],
  ['id', 'request.id'],
  ['method', 'request.method'],
  ['scheme', 'request.scheme'],
  ['host', 'request.host'],
  ['path', 'request.path'],
  ['uri', 'request.path'],
  ['route.name', 'route'],
  ['service.name', 'service'],
  ['consumer', 'principal.consumer'],
  ['consumer.name', 'principal.consumer'],
  ['subject', 'principal.subject'],
  ['sub', 'principal.subject'],
  ['groups', 'principal.groups'],
  ['roles', 'principal.roles'],
  ['scope', 'principal.scopes'],
]);

/** The variable of that text, or why there is none. */
export function findVariable(
  text: string,
): Variable | { readonly reason: string; readonly suggestion?: string } {
  const fixed = FIXED.get(text);
  if (fixed) return fixed;
  const dot = text.indexOf('.');
  const make = dot < 0 ? undefined : NAMED.get(text.slice(0, dot));
  if (make && dot + 1 < text.length) {
    const made = make(text.slice(dot + 1), text);
    return typeof made === 'string' ? { reason: made } : made;
  }
  const suggestion = suggest(text);
  const reason = text === '' ? 'there is no variable in ${}' : `there is no variable ${text}`;
  return suggestion === undefined ? { reason } : { reason, suggestion };
}

function suggest(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed !== text && !('reason' in findVariable(trimmed))) return trimmed;
  const other = OTHER_NAMES.get(trimmed.toLowerCase());
  if (other !== undefined) return other;
  if (trimmed.startsWith('request.')) {
    const rest = trimmed.slice('request.'.length);
    if (!('reason' in findVariable(rest))) return rest;
  }
  const near = nearest(trimmed, FIXED.keys());
  if (near !== undefined) return near;
  const dot = trimmed.indexOf('.');
  if (dot < 0) return undefined;
  const group = nearest(trimmed.slice(0, dot), NAMED.keys());
  return group === undefined || dot + 1 === trimmed.length ? undefined : group + trimmed.slice(dot);
}
