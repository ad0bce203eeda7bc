import type { Exchange } from '../../policy/contract.ts';
import { decodePercent } from '../../policy/percent.ts';
import type { Principal } from '../../policy/principal.ts';

/** What an expression may know of the caller, by name and type of CEL. */
export const PRINCIPAL_FIELDS = {
  method: 'string',
  consumer: 'string',
  subject: 'string',
  issuer: 'string',
  session: 'string',
  scopes: 'list<string>',
  groups: 'list<string>',
  roles: 'list<string>',
  claims: 'map<string, dyn>',
} as const;

/** The same of the request. */
export const REQUEST_FIELDS = {
  method: 'string',
  path: 'string',
  host: 'string',
  scheme: 'string',
  headers: 'map<string, string>',
  query: 'map<string, string>',
  params: 'map<string, string>',
} as const;

/** The same of the client. */
export const CLIENT_FIELDS = { address: 'string' } as const;

/** A principal as an expression sees it. */
export class PrincipalFacts {
  readonly method: string;
  readonly consumer: string;
  readonly subject: string;
  readonly issuer: string;
  readonly session: string;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;

  constructor(principal: Principal) {
    this.method = principal.method;
    this.consumer = principal.consumer;
    this.subject = principal.subject;
    this.issuer = principal.issuer;
    this.session = principal.session;
    this.scopes = principal.scopes;
    this.groups = principal.groups;
    this.roles = principal.roles;
    this.claims = principal.claims;
  }
}

/** Of a query: what loops through it takes a time that grows with its square. */
const MAX_PARAMETERS = 256;

/** A request as an expression sees it, once. Its maps are made when they are asked for. */
export class RequestFacts {
  readonly #exchange: Exchange;
  /** Which captures and parameters the expression may ask for: nobody else knows their names. */
  readonly #names: ReadonlySet<string>;
  /** Asked for again by each round of a loop. */
  #headers: ReadonlyMap<string, string> | undefined;
  #query: ReadonlyMap<string, string> | undefined;
  #params: ReadonlyMap<string, string> | undefined;

  constructor(exchange: Exchange, names: ReadonlySet<string>) {
    this.#exchange = exchange;
    this.#names = names;
  }

  get method(): string {
    return this.#exchange.request.method;
  }

  get path(): string {
    return this.#exchange.request.path;
  }

  get host(): string {
    return this.#exchange.request.host;
  }

  get scheme(): string {
    return this.#exchange.request.scheme;
  }

  get headers(): ReadonlyMap<string, string> {
    return (this.#headers ??= headersOf(this.#exchange.request.fields.list));
  }

  get query(): ReadonlyMap<string, string> {
    return (this.#query ??= queryOf(this.#exchange.request.search, this.#names));
  }

  get params(): ReadonlyMap<string, string> {
    return (this.#params ??= paramsOf(this.#exchange, this.#names));
  }
}

/** By name in small letters; several of a name with a comma between them (RFC 9110 section 5.3). */
function headersOf(list: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i < list.length; i += 3) {
    const name = list[i] as string;
    const before = headers.get(name);
    const value = list[i + 2] as string;
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

/**
 * Decoded. Throws an Error where one that the expression may ask for stands there twice: whichever it looked at, a service may read the other.
 * Of what it can come upon by a loop alone it is the first.
 */
function queryOf(search: string, names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    if (!query.has(name)) query.set(name, value);
    else if (names.has(name)) throw new Error(`the query has ${name} more than once`);
    if (query.size > MAX_PARAMETERS) throw new Error(`the query has more than ${MAX_PARAMETERS} parameters`);
  }
  return query;
}

/** Decoded. */
function paramsOf(exchange: Exchange, names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const name of names) {
    const value = exchange.param(name);
    if (value !== undefined) params.set(name, decodePercent(value, false));
  }
  return params;
}

/** A client as an expression sees it. */
export class ClientFacts {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }
}
