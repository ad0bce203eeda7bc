import { Fields } from '../http/fields.ts';
import { parseAuthority } from '../http/host.ts';
import { type CidrSet, compileCidrs } from '../lib/address-table.ts';
import { canonicalAddress } from '../lib/cidr.ts';
import { keptText } from '../lib/kept-text.ts';

/** The part of a listener's configuration that tells whom to believe and what to send on. */
export interface ForwardingConfig {
  readonly trust: readonly string[];
  readonly read: 'x-forwarded' | 'forwarded';
  readonly send: readonly ('x-forwarded' | 'forwarded')[];
  readonly via: string;
}

/** What trusted proxies say of the client's own connection; a part that they do not tell, or not well, is missing. */
export interface Origin {
  /** Of the client, or of the last proxy that is known when the fields tell no more. */
  readonly address: string;
  readonly scheme: 'http' | 'https' | undefined;
  /** In small letters, with its port if it had one. */
  readonly authority: string | undefined;
  readonly port: number | undefined;
}

/** What trusted proxies before us wrote, to be continued. */
interface Chain {
  x: string;
  forwarded: string;
}

/** The fields that tell an upstream of a client, and what they were made of. */
interface OwnFields {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly port: number;
  readonly fields: Fields;
}

/** Peers whose fields are remembered. */
const MAX_PEERS = 1024;

export function compileForwarding(config: ForwardingConfig): Forwarding {
  return new Forwarding(config);
}

/**
 * Forwarding fields of one listener: `Forwarded` (RFC 7239) and the older `X-Forwarded-*`.
 *
 * Only one of the two families is read. A proxy in front writes one and passes the other on as the client sent it, so
 * whoever reads both lets clients choose their address; which one the proxies write only the operator knows.
 *
 * Addresses given to it are in the form of `normaliseAddress`.
 */
export class Forwarding {
  readonly #trust: CidrSet;
  readonly #readsForwarded: boolean;
  readonly #sendsX: boolean;
  readonly #sendsForwarded: boolean;
  readonly #via: Readonly<Record<number, string>> | undefined;
  /** What was last sent on for each peer without a chain before it: the same for all requests of a connection, mostly. */
  readonly #own = new Map<string, OwnFields>();

  constructor(config: ForwardingConfig) {
    this.#trust = compileCidrs(config.trust);
    this.#readsForwarded = config.read === 'forwarded';
    this.#sendsX = config.send.includes('x-forwarded');
    this.#sendsForwarded = config.send.includes('forwarded');
    this.#via = config.via === '' ? undefined : viaValues(config.via);
  }

  /** Whether the fields that this peer sends are believed. */
  trusts(peer: string): boolean {
    return this.#trust.has(peer);
  }

  /** The client's address: that of the connection unless it comes from a trusted proxy. */
  clientAddress(peer: string, fields: Fields): string {
    return this.origin(peer, fields)?.address ?? peer;
  }

  /** What the fields say of the client; undefined for a peer that is not trusted. */
  origin(peer: string, fields: Fields): Origin | undefined {
    if (!this.#trust.has(peer)) return undefined;
    return this.#readsForwarded ? this.#originOfForwarded(peer, fields) : this.#originOfX(peer, fields);
  }

  /**
   * Removes what the client had no right to send and adds what the upstream is to learn. `scheme`, `authority` and `port`
   * are those of the client's own connection, as `origin` or the listener tells them; an HTTP/1.0 client may have named
   * no authority. Fields that Connection names must
   * be gone before, or a client could have the fields that are set here removed (CVE-2022-31813, CVE-2024-45410).
   */
  apply(
    fields: Fields,
    client: string,
    peer: string,
    scheme: 'http' | 'https',
    authority: string,
    port: number,
  ): void {
    // Most requests have none of these fields: then one pass over the names, by their first letters, is all.
    const chain = mayForward(fields) ? this.#strip(fields, client, peer) : undefined;
    if (chain !== undefined) return this.#add(fields, chain, peer, scheme, authority, port);
    let own = this.#own.get(peer);
    if (own === undefined || own.scheme !== scheme || own.authority !== authority || own.port !== port) {
      own = this.#ownFields(peer, scheme, authority, port);
      if (this.#own.size >= MAX_PEERS) this.#own.clear();
      this.#own.set(peer, own);
    }
    fields.pushAll(own.fields);
  }

  #ownFields(peer: string, scheme: 'http' | 'https', authority: string, port: number): OwnFields {
    const fields = new Fields();
    this.#add(fields, undefined, peer, scheme, authority, port);
    return { scheme, authority: keptText(authority), port, fields: fields.kept() };
  }

  #add(
    fields: Fields,
    chain: Chain | undefined,
    peer: string,
    scheme: 'http' | 'https',
    authority: string,
    port: number,
  ): void {
    if (this.#sendsX) {
      const from = peer || 'unknown';
      fields.push('x-forwarded-for', 'X-Forwarded-For', chain?.x ? `${chain.x}, ${from}` : from);
      if (authority !== '') fields.push('x-forwarded-host', 'X-Forwarded-Host', authority);
      fields.push('x-forwarded-proto', 'X-Forwarded-Proto', scheme);
      fields.push('x-forwarded-port', 'X-Forwarded-Port', String(port));
    }
    if (this.#sendsForwarded) {
      const host = authority === '' ? '' : `host=${authority.includes(':') ? `"${authority}"` : authority};`;
      const element = `for=${node(peer)};${host}proto=${scheme}`;
      fields.push('forwarded', 'Forwarded', chain?.forwarded ? `${chain.forwarded}, ${element}` : element);
    }
  }

  /**
   * Adds the gateway to Via (RFC 9110 section 7.6.3): a MUST for requests. `version` is that of the message received: 10,
   * 11 or 20.
   */
  appendVia(fields: Fields, version: number): void {
    const value = this.#via?.[version];
    if (value !== undefined) fields.push('via', 'Via', value);
  }

  /** Removes the forwarding fields; what a trusted proxy said before us comes back, to be continued. */
  #strip(fields: Fields, client: string, peer: string): Chain | undefined {
    const trusted = this.#trust.has(peer);
    const keepsX = trusted && !this.#readsForwarded;
    const chain = trusted ? { x: '', forwarded: '' } : undefined;
    fields.retain((lower, value) => {
      const kind = kindOf(lower);
      if (kind === 'for' && keepsX && chain) chain.x = join(chain.x, value);
      if (kind === 'forwarded' && trusted && this.#readsForwarded && chain)
        chain.forwarded = join(chain.forwarded, value);
      return kind === undefined || (kind === 'other' && keepsX);
    });
    if (!chain || client === peer) return chain;
    // The family that was not read begins with the client that the other one told.
    if (this.#readsForwarded) chain.x = client;
    else chain.forwarded = `for=${node(client)}`;
    return chain;
  }

  /**
   * Walks from the right, where the nearest proxy wrote, for as long as the address found is trusted. An entry that is no
   * address ends the walk at the one before: what stands left of it cannot be told from what a client made up.
   */
  #originOfX(peer: string, fields: Fields): Origin {
    let address = peer;
    let hops = 0;
    walk: for (let i = fields.list.length - 3; i >= 0; i -= 3) {
      if (fields.list[i] !== 'x-forwarded-for') continue;
      const value = fields.list[i + 2] as string;
      for (let end = value.length; end >= 0; ) {
        const comma = end === 0 ? -1 : value.lastIndexOf(',', end - 1);
        const entry = value.slice(comma + 1, end).trim();
        end = comma;
        // RFC 9110 section 5.6.1.2: empty list elements are ignored.
        if (entry === '') continue;
        const next = readNode(entry);
        if (next === undefined) break walk;
        address = next;
        hops++;
        if (!this.#trust.has(address)) break walk;
      }
    }
    const scheme = fromRight(fields, 'x-forwarded-proto', hops)?.toLowerCase();
    const authority = fromRight(fields, 'x-forwarded-host', hops);
    const port = fromRight(fields, 'x-forwarded-port', hops);
    return {
      address,
      scheme: scheme === 'http' || scheme === 'https' ? scheme : undefined,
      authority: authority === undefined ? undefined : parseAuthority(authority)?.authority,
      port: port === undefined ? undefined : readPort(port),
    };
  }

  #originOfForwarded(peer: string, fields: Fields): Origin {
    let address = peer;
    let scheme: 'http' | 'https' | undefined;
    let authority: string | undefined;
    walk: for (let i = fields.list.length - 3; i >= 0; i -= 3) {
      if (fields.list[i] !== 'forwarded') continue;
      const value = fields.list[i + 2] as string;
      for (let end = value.length; end > 0; ) {
        const comma = commaBefore(value, end);
        const text = value.slice(comma + 1, end).trim();
        end = comma;
        if (text === '') continue;
        const element = readElement(text);
        if (!element) break walk;
        // Scheme and host are those of the connection that this element tells of, not of one further away.
        scheme = element.proto;
        authority = element.host;
        const next = element.for === undefined ? undefined : readNode(element.for);
        if (next === undefined) break walk;
        address = next;
        if (!this.#trust.has(address)) break walk;
      }
    }
    return { address, scheme, authority, port: undefined };
  }
}

type FieldOfForwarding = 'for' | 'forwarded' | 'replaced' | 'other';

/** Whether any name may be one of a forwarding field, by the letters that tell it from the usual X- fields. */
function mayForward(fields: Fields): boolean {
  return (
    fields.hasPrefix('forwarded') ||
    fields.hasPrefix('x-f') ||
    fields.hasPrefix('x_f') ||
    fields.hasPrefix('x-r') ||
    fields.hasPrefix('x_r')
  );
}

/**
 * `for` and `forwarded` may be continued; `replaced` is always dropped; `other` is some X-Forwarded-* field that only a
 * trusted proxy may send. Names with an underscore are dropped too: CGI-style recipients read them as the real ones.
 */
function kindOf(lower: string): FieldOfForwarding | undefined {
  const first = lower.charCodeAt(0);
  if (first !== 0x78 && first !== 0x66) return undefined;
  if (lower === 'forwarded') return 'forwarded';
  const underscored = lower.includes('_');
  const name = underscored ? lower.replaceAll('_', '-') : lower;
  // X-Real-IP has no chain, so nobody can tell whether the proxy or the client wrote it.
  if (name === 'x-real-ip') return 'replaced';
  if (!name.startsWith('x-forwarded-')) return undefined;
  if (underscored) return 'replaced';
  if (name === 'x-forwarded-for') return 'for';
  if (name === 'x-forwarded-host' || name === 'x-forwarded-proto' || name === 'x-forwarded-port')
    return 'replaced';
  return 'other';
}

/**
 * The list item of a field that stands as far from the right as the client's entry in X-Forwarded-For. Proxies that
 * replace the field leave fewer items: then the leftmost.
 */
function fromRight(fields: Fields, name: string, hops: number): string | undefined {
  if (!fields.has(name)) return undefined;
  const items = fields.getAll(name).join(',').split(',');
  return items[Math.max(0, items.length - Math.max(1, hops))]?.trim();
}

/** An address with or without port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`. */
function readNode(text: string): string | undefined {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close === -1 || !isPortSuffix(text, close + 1)) return undefined;
    const inner = text.slice(1, close);
    return inner.includes(':') ? canonicalAddress(inner) : undefined;
  }
  const colon = text.indexOf(':');
  if (colon !== -1 && colon === text.lastIndexOf(':'))
    return isPortSuffix(text, colon) ? canonicalAddress(text.slice(0, colon)) : undefined;
  return canonicalAddress(text);
}

function isPortSuffix(text: string, from: number): boolean {
  return from === text.length || (text[from] === ':' && readPort(text.slice(from + 1)) !== undefined);
}

function readPort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port <= 65_535 ? port : undefined;
}

/**
 * Index of the comma that begins the element which ends at `end`, or -1. Read from the right, so that a quote that a client
 * left open cannot reach into what a proxy added behind it.
 */
function commaBefore(value: string, end: number): number {
  let inQuotes = false;
  for (let i = end - 1; i >= 0; i--) {
    const code = value.charCodeAt(i);
    if (code === 0x22) inQuotes = !inQuotes;
    else if (code === 0x2c && !inQuotes) return i;
  }
  return -1;
}

const PAIR = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"([^"\\]*)")$/;

/** One forwarded-element of RFC 7239 section 4; undefined when it is malformed, escapes in quotes included. */
function readElement(
  text: string,
): { for?: string | undefined; proto?: 'http' | 'https' | undefined; host?: string | undefined } | undefined {
  const pairs = new Map<string, string>();
  for (const part of text.split(';')) {
    const match = PAIR.exec(part.trim());
    if (!match) return undefined;
    const name = (match[1] as string).toLowerCase();
    if (pairs.has(name)) return undefined;
    pairs.set(name, match[2] ?? match[3] ?? '');
  }
  const proto = pairs.get('proto')?.toLowerCase();
  const host = pairs.get('host');
  return {
    for: pairs.get('for'),
    proto: proto === 'http' || proto === 'https' ? proto : undefined,
    host: host === undefined ? undefined : parseAuthority(host)?.authority,
  };
}

/** RFC 7239 section 6: an IPv6 address stands in brackets and quotes. */
function node(address: string): string {
  if (address === '') return 'unknown';
  return address.includes(':') ? `"[${address}]"` : address;
}

function join(before: string, value: string): string {
  return before === '' ? value : `${before}, ${value}`;
}

/** RFC 9110 section 7.6.3: the version alone is enough where the protocol is HTTP. */
function viaValues(pseudonym: string): Readonly<Record<number, string>> {
  return { 10: `1.0 ${pseudonym}`, 11: `1.1 ${pseudonym}`, 20: `2.0 ${pseudonym}` };
}
