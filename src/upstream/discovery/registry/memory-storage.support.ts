import type { Registration } from './registration.ts';
import type { RegistryStorage } from './registry.ts';

/** Keeps what was written last. */
export class MemoryStorage implements RegistryStorage {
  kept: readonly Registration[] = [];
  writes = 0;
  /** Why writes fail, while they do. */
  failure: string | undefined;
  /** While it is there, writes wait for it. */
  gate: Promise<void> | undefined;

  async write(registrations: readonly Registration[]): Promise<string | undefined> {
    this.writes++;
    await this.gate;
    if (this.failure !== undefined) return this.failure;
    this.kept = registrations;
    return undefined;
  }
}
