import { X509Certificate } from 'node:crypto';
import { certificateHosts } from '../../lib/certificate-hosts.ts';
import { isMustStaple } from '../../lib/must-staple.ts';
import type { DataPlaneConfig } from '../config.ts';
import type { ListenerConfig } from '../schema.ts';
import type { ClientHello } from './client-hello.ts';
import { canUse, ecdsaSuites, type KeyKind, keyKindOf } from './key-kind.ts';
import { tlsSettings } from './profiles.ts';

export type Certificates = DataPlaneConfig['certificates'];
export type CertificatePair = Certificates[string];

/** A certificate as a listener looks it up. */
export interface TableEntry {
  readonly pair: CertificatePair;
  /** Hex digits in capital letters with colons, as node:crypto writes it. */
  readonly fingerprint: string;
  /** Of its alternative names: host names in small letters, with `*.` for a wildcard, and addresses. */
  readonly hosts: ReadonlySet<string>;
  readonly kind: KeyKind;
  /** Whether it demands that an OCSP response goes with it (RFC 7633). */
  readonly mustStaple: boolean;
}

/** The certificates of a listener by the names that they are for. It is never changed. */
export class CertificateTable {
  readonly #byName = new Map<string, TableEntry[]>();
  /** For clients that name no server, or one that no certificate is for; undefined where there is no certificate at all. */
  readonly #fallback: readonly TableEntry[];
  readonly #suites: readonly number[];
  readonly entries: readonly TableEntry[];

  /** Throws when a certificate is missing or unusable. */
  constructor(config: ListenerConfig, certificates: Certificates) {
    this.#suites = ecdsaSuites(tlsSettings(config).ciphers);
    const names = config.tls?.certificates ?? Object.keys(certificates);
    this.entries = names.map((name) => tableEntry(name, certificates));
    for (const entry of this.entries) {
      for (const host of entry.hosts) {
        const known = this.#byName.get(host);
        if (known === undefined) this.#byName.set(host, [entry]);
        else known.push(entry);
      }
    }
    for (const entries of this.#byName.values()) entries.sort(byKind);
    const [first] = this.entries;
    const name = first === undefined ? undefined : [...first.hosts][0];
    this.#fallback = (name === undefined ? undefined : this.#byName.get(name)) ?? (first ? [first] : []);
  }

  /**
   * The certificate for a client: one for exactly the name that it asks for, else for that name with a wildcard in place of
   * its first label (RFC 9525 section 6.3); an elliptic key before RSA, if the client can use it. `unknown`: for no such name.
   */
  find(hello: ClientHello): { readonly kind: 'found' | 'unknown'; readonly entry: TableEntry | undefined } {
    const { serverName } = hello;
    if (serverName === undefined || serverName === '')
      return { kind: 'unknown', entry: this.#usable(this.#fallback, hello) ?? this.#fallback[0] };
    const dot = serverName.indexOf('.');
    const exact = this.#byName.get(serverName);
    const wildcard = dot < 0 ? undefined : this.#byName.get(`*${serverName.slice(dot)}`);
    const own = this.#usable(exact, hello);
    // What nobody vouches for is better than nothing, and no more.
    const wild = own === undefined || own.pair.isStandIn === true ? this.#usable(wildcard, hello) : undefined;
    const better = wild?.pair.isStandIn === true ? undefined : wild;
    const entry = better ?? own ?? wild ?? exact?.at(-1) ?? wildcard?.at(-1);
    if (entry !== undefined) return { kind: 'found', entry };
    return { kind: 'unknown', entry: this.#usable(this.#fallback, hello) ?? this.#fallback[0] };
  }

  /** For clients whose first message says nothing. */
  get fallback(): TableEntry | undefined {
    return this.#fallback.at(-1);
  }

  #usable(entries: readonly TableEntry[] | undefined, hello: ClientHello): TableEntry | undefined {
    if (entries === undefined) return undefined;
    for (const entry of entries) if (canUse(hello, entry.kind, this.#suites)) return entry;
    return undefined;
  }
}

/** Stand-ins last; elliptic keys first: their signatures cost the server a tenth of RSA's. Otherwise the order stays. */
function byKind(a: TableEntry, b: TableEntry): number {
  const standIns = Number(a.pair.isStandIn === true) - Number(b.pair.isStandIn === true);
  if (standIns !== 0) return standIns;
  return Number(a.kind.name.startsWith('rsa')) - Number(b.kind.name.startsWith('rsa'));
}

function tableEntry(name: string, certificates: Certificates): TableEntry {
  const pair = certificates[name];
  if (pair === undefined) throw new Error(`the certificate ${name} does not exist`);
  const leaf = new X509Certificate(pair.cert);
  return {
    pair,
    fingerprint: leaf.fingerprint256,
    hosts: new Set(certificateHosts(leaf)),
    kind: keyKindOf(leaf.publicKey),
    mustStaple: isMustStaple(leaf),
  };
}
