import { Reports } from '../reports.ts';
import type { RegistrySettings } from '../schema.ts';
import type { Source, SourceObserver } from '../source.ts';
import type { Registry } from './registry.ts';

/** The targets of one service in the registry. It has nothing that could fail. */
export class RegistrySource implements Source {
  readonly #registry: Registry;
  readonly #service: string;
  readonly #tags: readonly string[];
  readonly #reports: Reports;
  #unwatch: (() => void) | undefined;
  #closed = false;

  constructor(settings: RegistrySettings, service: string, registry: Registry, observer: SourceObserver) {
    this.#registry = registry;
    this.#service = service;
    this.#tags = settings.tags;
    this.#reports = new Reports(observer);
  }

  start(): void {
    if (this.#closed) return;
    this.#unwatch = this.#registry.watch(this.#service, () => this.#tell());
    this.#tell();
  }

  close(): void {
    this.#closed = true;
    this.#reports.close();
    this.#unwatch?.();
  }

  #tell(): void {
    this.#reports.found(this.#registry.targets(this.#service, this.#tags));
  }
}
