import { type CertificateDescription, describeCertificate } from '../../certificates/describe.ts';
import { type LoadResult, loadConfig } from '../../config/load.ts';
import type { ConfigError } from '../../config/problem.ts';
import { configSchema } from '../../config/schema.ts';
import type {
  ChangeOutcome,
  ChangeProblem,
  ChangeRequest,
  ConfigurationManager,
  FileTrial,
  ListedEntity,
  NodeStatus,
  Preview,
  PreviewRequest,
  WantedChange,
} from '../../manager/manager.ts';
import {
  COLLECTIONS,
  type Collection,
  type Entity,
  type EntityChange,
  type EntityValue,
  type Revision,
} from '../../store/entity.ts';

type Entities = ReadonlyMap<Collection, ReadonlyMap<string, Entity>>;

/**
 * A configuration in memory that behaves as the store does: whole changes, checked as a file is, with revisions. `file` are
 * entities of a file. Collections that the schema does not have are taken as they are.
 */
export class FakeConfiguration implements ConfigurationManager {
  readonly #file: Entities;
  readonly #states: Entities[] = [new Map()];
  readonly #revisions: { readonly revision: Revision; readonly changes: readonly EntityChange[] }[] = [];
  readonly #check: boolean;
  #nowMs = Date.UTC(2026, 0, 1);
  /** Of other nodes. */
  others: readonly NodeStatus[] = [];
  /** A sentence, while the store cannot be reached. */
  outage: string | undefined;

  constructor(
    file: Partial<Record<Collection, Readonly<Record<string, EntityValue>>>> = {},
    { check = true }: { readonly check?: boolean } = {},
  ) {
    this.#check = check;
    const none = { createdAtMs: 0, createdBy: '', updatedAtMs: 0, updatedBy: '', revision: 0 };
    this.#file = new Map(
      COLLECTIONS.map((collection) => [
        collection,
        new Map(
          Object.entries(file[collection] ?? {}).map(([name, value]) => [
            name,
            { collection, name, value, ...none },
          ]),
        ),
      ]),
    );
  }

  get revision(): number {
    return this.#revisions.length;
  }

  get(collection: Collection, name: string): ListedEntity | undefined {
    const own = this.#file.get(collection)?.get(name);
    if (own !== undefined) return { origin: 'file', collection, name, value: own.value };
    const stored = this.#state.get(collection)?.get(name);
    return stored === undefined ? undefined : { origin: 'store', ...stored };
  }

  list(collection: Collection): readonly ListedEntity[] {
    const names = new Set([
      ...(this.#file.get(collection)?.keys() ?? []),
      ...(this.#state.get(collection)?.keys() ?? []),
    ]);
    return [...names].sort((a, b) => (a < b ? -1 : 1)).flatMap((name) => this.get(collection, name) ?? []);
  }

  pendingReason(api: string): string | undefined {
    const { service, function: called } = this.get('apis', api)?.value ?? {};
    for (const [kind, collection, target] of [
      ['service', 'services', service],
      ['function', 'functions', called],
    ] as const)
      if (typeof target === 'string')
        return this.get(collection, target) === undefined
          ? `the ${kind} ${target} does not exist yet`
          : undefined;
    return 'nothing answers it yet';
  }

  certificate(name: string): CertificateDescription | undefined {
    const cert = this.get('certificates', name)?.value['cert'];
    return typeof cert === 'string' ? describeCertificate(cert) : undefined;
  }

  async change(request: ChangeRequest): Promise<ChangeOutcome> {
    const { author, message, dryRun, changes: wanted, allow, follows } = request;
    if (this.outage !== undefined) return { kind: 'unavailable', reason: this.outage };
    if (follows !== undefined && follows !== this.revision)
      return { kind: 'outdated', revision: this.revision };
    const changes: EntityChange[] = [];
    for (const { collection, name, value, expected } of wanted) {
      const before = this.#state.get(collection)?.get(name);
      if (this.#file.get(collection)?.has(name)) return { kind: 'readOnly', collection, name };
      const revision = before?.revision ?? 'absent';
      if (expected !== undefined && expected !== revision)
        return { kind: 'conflict', collection, name, revision };
      if (value === undefined && before === undefined) return { kind: 'missing', collection, name };
      if (JSON.stringify(value) === JSON.stringify(before?.value)) continue;
      changes.push({ collection, name, before: before?.value, after: value });
    }
    if (changes.length === 0) return { kind: 'unchanged', revision: this.revision, changes, warnings: [] };
    const reason = allow?.(changes);
    if (reason !== undefined) return { kind: 'forbidden', reason };
    const number = this.revision + 1;
    const atMs = (this.#nowMs += 1000);
    const next = this.#withChanges(changes, author, number, atMs);
    const { errors, warnings } = this.#check
      ? await problemsOf(this.#file, next)
      : { errors: [], warnings: [] };
    if (errors.length > 0) return { kind: 'refused', problems: errors };
    if (dryRun === true) return { kind: 'planned', revision: this.revision, changes, warnings };
    // A change that came in between would be lost: as the store does it, one after the other.
    if (number !== this.revision + 1) return this.change(request);
    this.#states.push(next);
    this.#revisions.push({ revision: { number, atMs, author, message }, changes });
    return { kind: 'applied', revision: number, changes, warnings };
  }

  async revisions({ before = Infinity, limit }: { readonly before?: number; readonly limit: number }) {
    return this.#revisions
      .map(({ revision }) => revision)
      .filter(({ number }) => number < before)
      .toReversed()
      .slice(0, limit);
  }

  async between(from: number, to: number): Promise<readonly EntityChange[] | undefined> {
    const [a, b] = [this.#states[from], this.#states[to]];
    return a === undefined || b === undefined ? undefined : changesBetween(a, b);
  }

  async rollback(to: number, request: Omit<ChangeRequest, 'changes'>): Promise<ChangeOutcome> {
    const changes: WantedChange[] = ((await this.between(this.revision, to)) ?? []).map(
      ({ collection, name, after }) => ({ collection, name, value: after }),
    );
    return this.change({ ...request, changes });
  }

  async preview(request: PreviewRequest): Promise<Preview> {
    if ('from' in request) {
      const states = [request.from, request.to];
      const unknown = states.find((revision) => this.#states[revision] === undefined);
      if (unknown !== undefined) return { kind: 'unknown', revision: unknown };
      return this.#previewOf(...(states.map((revision) => this.#states[revision]) as [Entities, Entities]));
    }
    const planned = await this.change({ author: '', dryRun: true, ...request });
    switch (planned.kind) {
      case 'planned':
        return this.#previewOf(this.#state, this.#withChanges(planned.changes, '', this.revision + 1, 0));
      case 'applied':
      case 'unchanged':
        return { kind: 'unchanged' };
      default:
        return planned;
    }
  }

  async tryFile(file: Readonly<Record<string, unknown>>): Promise<FileTrial> {
    const before = await loaded(this.#file, this.#state);
    if (!before.ok) throw new Error('what was stored does not load');
    const stored = { revision: this.revision, entities: this.#state };
    const tried = await loadConfig('configuration.json', { text: JSON.stringify(file), env: {}, stored });
    const problems = [...(tried.ok ? [] : tried.errors), ...tried.warnings].map(asProblem);
    return { before: before.config, after: tried.ok ? tried.config : undefined, problems };
  }

  async #previewOf(before: Entities, after: Entities): Promise<Preview> {
    const [from, to] = await Promise.all([before, after].map((stored) => loaded(this.#file, stored)));
    if (from?.ok !== true || to?.ok !== true) throw new Error('what was stored does not load');
    return { kind: 'preview', before: from.config, after: to.config };
  }

  async nodes(): Promise<readonly NodeStatus[]> {
    const own = {
      node: 'a',
      revision: this.revision,
      problems: [],
      seenAtMs: this.#nowMs,
      fromSnapshot: false,
    };
    return [own, ...this.others];
  }

  get #state(): Entities {
    return this.#states.at(-1) ?? new Map();
  }

  #withChanges(changes: readonly EntityChange[], author: string, revision: number, atMs: number): Entities {
    const next = new Map([...this.#state].map(([collection, entities]) => [collection, new Map(entities)]));
    for (const { collection, name, after } of changes) {
      const entities = next.get(collection) ?? new Map<string, Entity>();
      const before = entities.get(name);
      if (after === undefined) entities.delete(name);
      else {
        const { createdAtMs, createdBy } = before ?? { createdAtMs: atMs, createdBy: author };
        const updated = { updatedAtMs: atMs, updatedBy: author, revision };
        entities.set(name, { collection, name, value: after, createdAtMs, createdBy, ...updated });
      }
      next.set(collection, entities);
    }
    return next;
  }
}

function changesBetween(from: Entities, to: Entities): EntityChange[] {
  return COLLECTIONS.flatMap((collection) => {
    const [before, after] = [from.get(collection), to.get(collection)];
    return [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].flatMap((name) => {
      const [a, b] = [before?.get(name)?.value, after?.get(name)?.value];
      return a === b ? [] : [{ collection, name, before: a, after: b }];
    });
  });
}

async function problemsOf(file: Entities, stored: Entities) {
  const result = await loaded(file, stored);
  const errors = result.ok ? [] : result.errors;
  return { errors: errors.map(asProblem), warnings: result.warnings.map(asProblem) };
}

function loaded(file: Entities, stored: Entities): Promise<LoadResult> {
  const config: Record<string, unknown> = {};
  for (const collection of COLLECTIONS) {
    if (!Object.hasOwn(configSchema.shape, collection)) continue;
    const entities = [...(stored.get(collection)?.values() ?? []), ...(file.get(collection)?.values() ?? [])];
    if (entities.length === 0) continue;
    config[collection] =
      collection === 'policies'
        ? entities.map(({ value }) => value)
        : Object.fromEntries(entities.map(({ name, value }) => [name, value]));
  }
  const text = JSON.stringify(config);
  return loadConfig('configuration.json', { text, env: {} });
}

function asProblem({ severity, path, message, suggestion }: ConfigError): ChangeProblem {
  return { severity, path, message, ...(suggestion === undefined ? undefined : { suggestion }) };
}
