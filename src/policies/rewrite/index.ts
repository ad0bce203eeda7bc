import {
  type Answer,
  definePolicy,
  type Exchange,
  type PolicyHooks,
  type RequestView,
} from '../../policy/contract.ts';
import { encodePlain, IN_QUERY } from '../../policy/percent.ts';
import { withoutParameter, withParameter } from '../../policy/query.ts';
import type { Template } from '../../policy/template.ts';
import { isAuthority } from './authority.ts';
import { hasDotSegment, oneSlashFirst, PrefixReplacement } from './path.ts';
import { type RewriteOptions, rewriteSchema } from './schema.ts';

/** The request's own values would make a target that cannot be sent. */
const UNFIT: Answer = {
  status: 400,
  code: 'rewrite_refused',
  detail: 'The request holds a value that cannot stand in the path or host that it is rewritten to.',
};

export const rewritePolicy = definePolicy({
  name: 'rewrite',
  stage: 'transform',
  schema: rewriteSchema,
  create: (options) => new Rewrite(options),
});

/** A parameter to write; what the configuration says of it is percent-encoded beforehand. */
interface Parameter {
  readonly encodedName: string;
  readonly value: Template;
}

class Rewrite implements PolicyHooks {
  readonly #prefix: PrefixReplacement | undefined;
  readonly #path: Template | undefined;
  readonly #host: Template | undefined;
  readonly #method: string | undefined;
  /** Names to take away: those that are set among them. */
  readonly #removed: readonly string[];
  readonly #added: readonly Parameter[];

  constructor({ stripPrefix, replacePrefix, path, query, host, method }: RewriteOptions) {
    if (stripPrefix !== undefined) this.#prefix = new PrefixReplacement(stripPrefix, '/');
    if (replacePrefix !== undefined)
      this.#prefix = new PrefixReplacement(replacePrefix.from, replacePrefix.to);
    this.#path = path;
    this.#host = host;
    this.#method = method;
    this.#removed = query === undefined ? [] : [...query.remove, ...Object.keys(query.set)];
    this.#added = query === undefined ? [] : [...parameters(query.set), ...parameters(query.add)];
  }

  onRequest(exchange: Exchange): Answer | undefined {
    const { request } = exchange;
    if (this.#prefix !== undefined) request.upstreamPath = this.#prefix.apply(request.upstreamPath);
    if (this.#path !== undefined && !setPath(request, this.#path, exchange)) return UNFIT;
    this.#rewriteQuery(request, exchange);
    if (this.#host !== undefined) {
      const host = this.#host.constant ?? this.#host.render(exchange);
      if (this.#host.constant === undefined && !isAuthority(host)) return UNFIT;
      request.upstreamHost = host;
    }
    // The answer to HEAD has no body, that to any other method may: the client must get what it asked for.
    if (this.#method !== undefined && request.method !== 'HEAD') request.upstreamMethod = this.#method;
    return undefined;
  }

  #rewriteQuery(request: RequestView, exchange: Exchange): void {
    const removed = this.#removed;
    const added = this.#added;
    if (removed.length + added.length === 0) return;
    let search = request.upstreamSearch;
    for (let i = 0; i < removed.length; i++) search = withoutParameter(search, removed[i] as string);
    for (let i = 0; i < added.length; i++) {
      const { encodedName, value } = added[i] as Parameter;
      search = withParameter(search, encodedName, value.renderQuery(exchange));
    }
    request.upstreamSearch = search;
  }
}

function parameters(record: Readonly<Record<string, Template>>): Parameter[] {
  return Object.entries(record).map(([name, value]) => ({
    encodedName: encodeText(name),
    value: value.withLiterals(encodeText),
  }));
}

/** What the configuration says is text, sent as UTF-8. */
function encodeText(text: string): string {
  return encodePlain(Buffer.from(text).toString('latin1'), IN_QUERY);
}

/** False when a value is missing or makes a dot segment: either would lead out of the path that the template stands for. */
function setPath(request: RequestView, path: Template, exchange: Exchange): boolean {
  if (path.constant !== undefined) {
    request.upstreamPath = path.constant;
    return true;
  }
  const rendered = path.renderPath(exchange);
  if (rendered === undefined || hasDotSegment(rendered)) return false;
  request.upstreamPath = oneSlashFirst(rendered);
  return true;
}
