import type { EntityStore } from '../store/entity-store.ts';
import type { ChangeProblem, NodeStatus } from './manager.ts';

/** A node that says nothing new is heard of this often. */
const HEARTBEAT_MS = 10_000;
/** One that was not heard of for so long is not told of any more. */
const SILENT_MS = 30_000;
const FORGOTTEN_MS = 24 * 3_600_000;

/** What this node tells the others of itself by way of the store, and what it hears of them. */
export class NodeReports {
  readonly #node: string;
  readonly #nowMs: () => number;
  #told: { readonly text: string; readonly atMs: number } | undefined;
  /** What is being told settles before this node leaves. */
  #telling: Promise<void> = Promise.resolve();
  #hasLeft = false;

  constructor(node: string, nowMs: () => number) {
    this.#node = node;
    this.#nowMs = nowMs;
  }

  /** Tells how far this node is, if that is news or was told long ago. Rejects where the store cannot be reached. */
  async tell(store: EntityStore, revision: number, problems: readonly ChangeProblem[]): Promise<void> {
    if (this.#hasLeft) return;
    const now = this.#nowMs();
    const text = `${revision} ${JSON.stringify(problems)}`;
    if (this.#told?.text === text && now - this.#told.atMs < HEARTBEAT_MS) return;
    const row = {
      node: this.#node,
      revision,
      problems: JSON.stringify(problems),
      seen_at_ms: now,
      from_snapshot: 0,
    };
    const telling = store.reportNode(row, now - FORGOTTEN_MS);
    this.#telling = telling.catch(() => undefined);
    await telling;
    this.#told = { text, atMs: now };
  }

  /** This node ends: nobody need wait for it. Rejects where the store cannot be reached. */
  async leave(store: EntityStore): Promise<void> {
    this.#hasLeft = true;
    await this.#telling;
    if (this.#told !== undefined) await store.forgetNode(this.#node);
  }

  /** Of the others that were heard of lately. */
  async others(store: EntityStore): Promise<readonly NodeStatus[]> {
    const rows = await store.nodes();
    const since = this.#nowMs() - SILENT_MS;
    return rows
      .filter(({ node, seen_at_ms }) => node !== this.#node && seen_at_ms >= since)
      .map((row) => ({
        node: row.node,
        revision: row.revision,
        problems: JSON.parse(row.problems) as ChangeProblem[],
        seenAtMs: row.seen_at_ms,
        fromSnapshot: row.from_snapshot === 1,
      }));
  }
}
