import type { z } from 'zod';
import { sameData } from '../../../lib/same-data.ts';
import type { Timers } from '../../../lib/timers.ts';
import { MAX_TARGETS, type TargetDescription } from '../target-description.ts';
import {
  type Registration,
  registrationSchema,
  type TargetKey,
  targetKeySchema,
  targetStateSchema,
} from './registration.ts';

export interface RegisteredTarget extends Registration {
  /** Without another heartbeat. */
  readonly expiresInMs: number;
}

export type RegistryErrorCode =
  | 'registration_invalid'
  | 'target_unknown'
  | 'registry_full'
  /** The change is in force, and lost at a restart unless a later write succeeds. */
  | 'registry_not_saved';

export type RegistryResult =
  | { readonly ok: true; readonly target: RegisteredTarget }
  | { readonly ok: false; readonly code: RegistryErrorCode; readonly message: string };

/** Where registrations outlive the process. */
export interface RegistryStorage {
  /** Resolves with why it failed, if it did; rejects nothing. Never called twice at a time. */
  write(registrations: readonly Registration[]): Promise<string | undefined>;
}

export interface RegistryOptions {
  readonly timers: Timers;
  readonly storage: RegistryStorage;
  /** Told once until a write succeeds again. */
  readonly saveFailed: (cause: string) => void;
}

interface Entry {
  readonly registration: Registration;
  readonly expiresAtMs: number;
}

/** How late an expiry may be told to sources; `list` and the other calls notice it at once. */
const SWEEP_MS = 1000;
/** Changes of one service within this time are told as one: services come and go in swarms. */
const GATHER_MS = 50;

/**
 * Targets that registered themselves, at most 10,000. Calls take what somebody sent and check it. What changes is written down
 * before the call that changed it resolves.
 */
export class Registry {
  readonly #services = new Map<string, Map<string, Entry>>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #changed = new Set<string>();
  readonly #options: RegistryOptions;
  #count = 0;
  #cancelSweep: () => void;
  #cancelTell: (() => void) | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #queued: Promise<string | undefined> | undefined;
  /** A change was made that no write has taken along yet. */
  #unsaved = false;
  #saveFailing = false;
  #closed = false;

  /** `kept` is what an earlier process wrote; each has its whole TTL before it. */
  constructor(kept: readonly Registration[], options: RegistryOptions) {
    this.#options = options;
    for (const registration of kept) this.#put(registration);
    this.#unsaved = false;
    this.#cancelSweep = options.timers.after(SWEEP_MS, () => this.#sweep());
  }

  /** All targets, or those of one service, by service and address. */
  list(service?: string): RegisteredTarget[] {
    const now = this.#options.timers.nowMs();
    const names = service === undefined ? [...this.#services.keys()].sort() : [service];
    return names.flatMap((name) =>
      [...(this.#services.get(name)?.values() ?? [])]
        .filter(({ expiresAtMs }) => expiresAtMs > now)
        .sort((a, b) => (a.registration.url < b.registration.url ? -1 : 1))
        .map((entry) => shown(entry, now)),
    );
  }

  /**
   * Registers a target, or renews and changes it. `input` is as `registrationSchema` says. A target that was marked inactive stays
   * so: whoever drains it must not be overruled by its next registration.
   */
  async register(input: unknown): Promise<RegistryResult> {
    const parsed = parse(registrationSchema, input);
    if (!parsed.ok) return parsed;
    const { ttl, tags, ...rest } = parsed.data;
    const before = this.#find(rest);
    if (before === undefined && !this.#hasRoom())
      return failed('registry_full', `there are ${MAX_TARGETS} targets already`);
    const registration: Registration = {
      ...rest,
      ...(tags === undefined || tags.length === 0 ? undefined : { tags: [...new Set(tags)].sort() }),
      ttlMs: ttl,
      state: before?.registration.state ?? 'active',
    };
    const entry = this.#put(registration);
    if (before !== undefined && sameData(before.registration, registration)) {
      // A registration that says nothing new is a heartbeat; it also asks whether an earlier one was saved.
      return this.#unsaved ? this.#saved(entry) : this.#done(entry);
    }
    return this.#saved(entry);
  }

  /** Renews a target for its TTL. `input` is a service and an address. */
  heartbeat(input: unknown): RegistryResult {
    const key = parse(targetKeySchema, input);
    if (!key.ok) return key;
    const entry = this.#find(key.data);
    return entry === undefined ? unknown(key.data) : this.#done(this.#put(entry.registration));
  }

  /** `input` is a service and an address. */
  async deregister(input: unknown): Promise<RegistryResult> {
    const key = parse(targetKeySchema, input);
    if (!key.ok) return key;
    const entry = this.#find(key.data);
    if (entry === undefined) return unknown(key.data);
    this.#remove(entry.registration);
    return this.#saved(entry);
  }

  /** Drains a target or takes it in again, as `targetStateSchema` says. Neither renews it. */
  async setState(input: unknown): Promise<RegistryResult> {
    const asked = parse(targetStateSchema, input);
    if (!asked.ok) return asked;
    const before = this.#find(asked.data);
    if (before === undefined) return unknown(asked.data);
    const { state } = asked.data;
    if (before.registration.state === state) return this.#done(before);
    return this.#saved(this.#put({ ...before.registration, state }, before.expiresAtMs));
  }

  /** The targets of a service that have all of these tags, as its source tells of them. */
  targets(service: string, tags: readonly string[]): TargetDescription[] {
    return this.list(service)
      .filter((target) => tags.every((tag) => target.tags?.includes(tag)))
      .map(({ url, weight, zone, tags: own, state }) => ({
        url,
        weight,
        ...(zone === undefined ? undefined : { zone }),
        ...(own === undefined ? undefined : { tags: own }),
        ...(state === 'inactive' ? { draining: true } : undefined),
      }));
  }

  /** Calls `changed` after changes of a service's targets, until the function that is returned is called. */
  watch(service: string, changed: () => void): () => void {
    const listeners = this.#listeners.get(service) ?? new Set();
    this.#listeners.set(service, listeners.add(changed));
    return () => {
      listeners.delete(changed);
      if (listeners.size === 0 && this.#listeners.get(service) === listeners) this.#listeners.delete(service);
    };
  }

  /** Resolves when everything is written. Nothing is told any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep();
    this.#cancelTell?.();
    // What expired since the last sweep would come back with its whole TTL.
    this.#expire();
    if (this.#unsaved) await this.#save();
    await this.#writing;
  }

  #find({ service, url }: TargetKey): Entry | undefined {
    const entry = this.#services.get(service)?.get(url);
    if (entry === undefined || entry.expiresAtMs > this.#options.timers.nowMs()) return entry;
    this.#remove(entry.registration);
    return undefined;
  }

  #put(registration: Registration, expiresAtMs = this.#options.timers.nowMs() + registration.ttlMs): Entry {
    const { service, url } = registration;
    let targets = this.#services.get(service);
    if (targets === undefined) this.#services.set(service, (targets = new Map()));
    const before = targets.get(url);
    const entry = { registration, expiresAtMs };
    targets.set(url, entry);
    if (before === undefined) this.#count++;
    if (before === undefined || !sameData(before.registration, registration)) this.#noteChange(service);
    return entry;
  }

  #remove({ service, url }: TargetKey): void {
    const targets = this.#services.get(service);
    if (targets?.delete(url) !== true) return;
    this.#count--;
    if (targets.size === 0) this.#services.delete(service);
    this.#noteChange(service);
  }

  #kept(): Registration[] {
    const now = this.#options.timers.nowMs();
    return [...this.#services.values()].flatMap((targets) =>
      [...targets.values()]
        .filter(({ expiresAtMs }) => expiresAtMs > now)
        .map(({ registration }) => registration),
    );
  }

  #hasRoom(): boolean {
    if (this.#count >= MAX_TARGETS) this.#expire();
    return this.#count < MAX_TARGETS;
  }

  #expire(): void {
    const now = this.#options.timers.nowMs();
    for (const targets of this.#services.values())
      for (const { registration, expiresAtMs } of targets.values())
        if (expiresAtMs <= now) this.#remove(registration);
  }

  #sweep(): void {
    this.#expire();
    if (this.#unsaved) void this.#save();
    this.#cancelSweep = this.#options.timers.after(SWEEP_MS, () => this.#sweep());
  }

  #noteChange(service: string): void {
    this.#unsaved = true;
    this.#changed.add(service);
    if (this.#closed) return;
    this.#cancelTell ??= this.#options.timers.after(GATHER_MS, () => this.#tell());
  }

  #tell(): void {
    this.#cancelTell = undefined;
    const services = [...this.#changed];
    this.#changed.clear();
    for (const service of services) for (const changed of this.#listeners.get(service) ?? []) changed();
  }

  #done(entry: Entry): RegistryResult {
    return { ok: true, target: shown(entry, this.#options.timers.nowMs()) };
  }

  async #saved(entry: Entry): Promise<RegistryResult> {
    const cause = await this.#save();
    if (cause === undefined) return this.#done(entry);
    return failed(
      'registry_not_saved',
      'the change is in force, and will be lost at a restart: it was not written',
    );
  }

  /** All changes that are made before a write begins share it. */
  #save(): Promise<string | undefined> {
    this.#queued ??= this.#writing.then(async () => {
      this.#queued = undefined;
      this.#unsaved = false;
      const write = this.#options.storage.write(this.#kept());
      this.#writing = write;
      const cause = await write;
      if (cause !== undefined) {
        this.#unsaved = true;
        if (!this.#saveFailing) this.#options.saveFailed(cause);
      }
      this.#saveFailing = cause !== undefined;
      return cause;
    });
    return this.#queued;
  }
}

function parse<S extends z.ZodType>(
  schema: S,
  input: unknown,
): { readonly ok: true; readonly data: z.output<S> } | Extract<RegistryResult, { ok: false }> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { ok: true, data: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  return failed('registration_invalid', where + (issue?.message ?? 'cannot be read'));
}

function shown({ registration, expiresAtMs }: Entry, now: number): RegisteredTarget {
  return { ...registration, expiresInMs: Math.max(0, Math.round(expiresAtMs - now)) };
}

function failed(code: RegistryErrorCode, message: string): Extract<RegistryResult, { ok: false }> {
  return { ok: false, code, message };
}

function unknown({ service }: TargetKey): RegistryResult {
  return failed('target_unknown', `the service ${service} has no such target registered`);
}
