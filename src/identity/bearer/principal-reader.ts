import type { Principal } from '../../policy/principal.ts';
import { ownerOf } from '../consumers/consumer.ts';
import type { ConsumerIndex } from '../consumers/consumer-index.ts';
import { ClaimPath, type Claims, namesIn } from '../jwt/claim-path.ts';

/** Which claims say what: names, or paths with dots. */
export interface ClaimMapping {
  readonly subject: string;
  /** Of several the names in all of them count. */
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Whose value is the name of one of `consumers`. */
  readonly consumer?: string | undefined;
}

export interface PrincipalReaderOptions {
  readonly method: string;
  readonly mapping: ClaimMapping;
  /** Name of the provider, where the issuer is one: `consumers.*.subjects` name it. */
  readonly provider: string | undefined;
  /** Whether tokens of other issuers are accepted beside it, whose subjects may be called alike. */
  readonly isOneOfSeveral?: boolean;
  readonly consumers: ConsumerIndex;
}

/** Tells who calls from the claims of a token. */
export class PrincipalReader {
  readonly #method: string;
  readonly #provider: string | undefined;
  readonly #isOneOfSeveral: boolean;
  readonly #consumers: ConsumerIndex;
  readonly #subject: ClaimPath;
  readonly #consumer: ClaimPath | undefined;
  readonly #scopes: readonly ClaimPath[];
  readonly #roles: readonly ClaimPath[];
  readonly #groups: readonly ClaimPath[];

  constructor({ method, mapping, provider, isOneOfSeveral = false, consumers }: PrincipalReaderOptions) {
    this.#isOneOfSeveral = isOneOfSeveral;
    const pathOf = (text: string) => new ClaimPath(text);
    this.#method = method;
    this.#provider = provider;
    this.#consumers = consumers;
    this.#subject = pathOf(mapping.subject);
    this.#consumer = mapping.consumer === undefined ? undefined : pathOf(mapping.consumer);
    this.#scopes = mapping.scopes.map(pathOf);
    this.#roles = mapping.roles.map(pathOf);
    this.#groups = mapping.groups.map(pathOf);
  }

  /** Undefined where the claims name no subject. */
  read(claims: Claims, issuer: string, expiresAtMs: number): Principal | undefined {
    const subject = this.#subject.read(claims);
    // Half a surrogate pair becomes U+FFFD wherever it is sent: two callers would look the same.
    if (typeof subject !== 'string' || subject === '' || !subject.isWellFormed()) return undefined;
    const known =
      (this.#provider === undefined ? undefined : this.#consumers.withSubject(this.#provider, subject)) ??
      this.#named(claims);
    return {
      method: this.#method,
      consumer: known?.name ?? this.#nameOf(subject, issuer),
      subject,
      issuer,
      scopes: union(this.#scopes, claims),
      groups: joined(union(this.#groups, claims), known?.groups ?? []),
      roles: union(this.#roles, claims),
      claims,
      session: '',
      expiresAtMs,
      ...ownerOf(known),
    };
  }

  #named(claims: Claims) {
    const name = this.#consumer?.read(claims);
    return typeof name === 'string' ? this.#consumers.named(name) : undefined;
  }

  /** Issuers choose their subjects: one that is called like a consumer, or like one of another issuer, is somebody else. */
  #nameOf(subject: string, issuer: string): string {
    const isTaken = this.#isOneOfSeveral || this.#consumers.named(subject) !== undefined;
    return isTaken ? `${issuer}#${subject}` : subject;
  }
}

function union(paths: readonly ClaimPath[], claims: Claims): readonly string[] {
  return paths.map((path) => namesIn(path.read(claims))).reduce(joined, NO_NAMES);
}

function joined(first: readonly string[], second: readonly string[]): readonly string[] {
  if (first.length === 0) return second;
  const known = new Set(first);
  const more = second.filter((name) => !known.has(name));
  return more.length === 0 ? first : [...first, ...more];
}

const NO_NAMES: readonly string[] = [];
