import { Changes } from '../../../test/support/changes.ts';
import type { SourceObserver } from './source.ts';
import type { TargetDescription } from './target-description.ts';

export type Told = { readonly targets: readonly TargetDescription[] } | { readonly failed: string };

/** Keeps what a source tells, in order. */
export class RecordingObserver implements SourceObserver {
  readonly #told: Told[] = [];
  readonly #changes = new Changes();

  targets(targets: readonly TargetDescription[]): void {
    this.#add({ targets });
  }

  failed(cause: string): void {
    this.#add({ failed: cause });
  }

  /** What was told and not asked for yet. */
  get left(): readonly Told[] {
    return this.#told;
  }

  /** The next list. */
  async list(): Promise<readonly TargetDescription[]> {
    const told = await this.#next('a list of targets');
    if ('failed' in told) throw new Error(`told a failure in place of targets: ${told.failed}`);
    return told.targets;
  }

  /** The addresses of the next list. */
  async urls(): Promise<string[]> {
    return (await this.list()).map(({ url }) => url);
  }

  /** The cause of the next failure. */
  async failure(): Promise<string> {
    const told = await this.#next('a failure');
    if ('targets' in told) throw new Error('told targets in place of a failure');
    return told.failed;
  }

  async #next(what: string): Promise<Told> {
    await this.#changes.until(() => this.#told.length > 0, what);
    return this.#told.shift() as Told;
  }

  #add(told: Told): void {
    this.#told.push(told);
    this.#changes.tell();
  }
}
