import { cookieValue } from '../../http/cookie.ts';
import { CLIENT_BITS, Networks } from '../../lib/cidr.ts';
import type { Exchange } from '../../policy/contract.ts';
import { authenticated } from '../../policy/principal.ts';

/** Where a key comes from, as the options say it. */
export type KeyOption =
  | 'address'
  | 'route'
  | 'service'
  | 'consumer'
  | 'session'
  | 'plan'
  | {
      readonly address?: AddressBits | undefined;
      readonly header?: string | undefined;
      readonly cookie?: string | undefined;
      readonly claim?: string | undefined;
    };

interface AddressBits {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** Who a request is counted as; empty when that is not known. */
export type KeyOf = (exchange: Exchange) => string;

/** Whether the key is there before anybody has found out who calls. */
export function isKnownEarly(source: KeyOption): boolean {
  if (typeof source === 'object') return source.claim === undefined;
  return source === 'address' || source === 'route' || source === 'service';
}

/** `service` is the route's only one; requests of a route that has several are counted by the route. */
export function compileKey(
  sources: readonly KeyOption[],
  unknown: 'address' | 'skip',
  service: string | undefined,
): KeyOf {
  const parts = sources.map((source) => compileSource(source, service));
  const only = parts[0] as KeyOf;
  const known = parts.length === 1 ? only : joined(parts);
  if (unknown === 'skip' || sources.every(isAlwaysKnown)) return known;
  const networks = new Networks(CLIENT_BITS);
  return (exchange) => known(exchange) || `${UNKNOWN}${networks.of(exchange.client.address)}`;
}

/** Before the address that a request without the key is counted by, so that nobody is called so: no name and no field holds it. */
const UNKNOWN = '\0';

function isAlwaysKnown(source: KeyOption): boolean {
  return typeof source === 'object'
    ? source.address !== undefined
    : source === 'address' || source === 'route' || source === 'service';
}

/** Each with its length, so that no two lists are one text. Unknown when one of them is. */
function joined(parts: readonly KeyOf[]): KeyOf {
  return (exchange) => {
    let text = '';
    for (const part of parts) {
      const value = part(exchange);
      if (value === '') return '';
      text += `${value.length}:${value}`;
    }
    return text;
  };
}

function compileSource(source: KeyOption, service: string | undefined): KeyOf {
  if (source === 'address') return ofAddress(CLIENT_BITS);
  if (source === 'route') return ofRoute;
  if (source === 'service') return service === undefined ? ofRoute : () => service;
  if (source === 'consumer') return ofConsumer;
  if (source === 'session')
    return (exchange) => authenticated(exchange.principal)?.session ?? textOf(exchange.note('session'));
  if (typeof source === 'string') return (exchange) => textOf(exchange.note(source));
  const { address, header, cookie, claim } = source;
  if (address !== undefined) return ofAddress(address);
  if (header !== undefined) return (exchange) => exchange.request.fields.get(header) ?? '';
  if (cookie !== undefined)
    return (exchange) => cookieValue(exchange.request.fields.get('cookie'), cookie) ?? '';
  return (exchange) =>
    claimOf(authenticated(exchange.principal)?.claims ?? exchange.note('claims'), claim ?? '');
}

/** Never empty: whoever has no address is counted with all that have none. */
function ofAddress(bits: AddressBits): KeyOf {
  const networks = new Networks(bits);
  return (exchange) => networks.of(exchange.client.address) || '-';
}

/** A consumer of an organization is nobody who is called alike elsewhere: no name holds what stands between. */
function ofConsumer(exchange: Exchange): string {
  const principal = authenticated(exchange.principal);
  if (principal === undefined) return textOf(exchange.note('consumer'));
  const { organization, consumer } = principal;
  return organization === undefined || consumer === '' ? consumer : `${organization}\0${consumer}`;
}

/** Never empty: requests that no route takes have one in common. */
function ofRoute(exchange: Exchange): string {
  return exchange.routeName || '-';
}

function claimOf(claims: unknown, name: string): string {
  if (typeof claims !== 'object' || claims === null || !Object.hasOwn(claims, name)) return '';
  return textOf((claims as Readonly<Record<string, unknown>>)[name]);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
