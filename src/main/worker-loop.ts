import { messageOf } from '../lib/message-of.ts';
import type { DataPlaneConfig } from '../server/config.ts';
import type { FromWorker, News, ToWorker, WorkerStats } from './messages.ts';
import { received } from './sent-config.ts';

/** What the loop needs of a data plane; `server/data-plane.ts` has this shape. */
export interface Plane<Prepared> {
  prepare(config: DataPlaneConfig): Promise<Prepared>;
  commit(prepared: Prepared): void;
  discard(prepared: Prepared): void;
  receive(news: News): void;
  drain(limitMs: number): Promise<void>;
  stats(): WorkerStats;
}

interface Preparation<Prepared> {
  readonly config: DataPlaneConfig;
  /** Undefined while it is under way. */
  prepared: Prepared | undefined;
  discarded: boolean;
}

/** The worker's end of the conversation of messages.ts: returns what is to be called with each message. */
export function answerSupervisor<Prepared>(
  plane: Plane<Prepared>,
  post: (message: FromWorker) => void,
): (message: ToWorker) => void {
  /** What was prepared and awaits its commit or discard; also while the preparation is still under way. */
  const preparations = new Map<number, Preparation<Prepared>>();
  /** What changes are told from. */
  let committed: DataPlaneConfig | undefined;

  async function prepare(generation: number, config: DataPlaneConfig): Promise<void> {
    const preparation: Preparation<Prepared> = { config, prepared: undefined, discarded: false };
    preparations.set(generation, preparation);
    try {
      const prepared = await plane.prepare(config);
      if (preparation.discarded) {
        plane.discard(prepared);
        return;
      }
      preparation.prepared = prepared;
      post({ kind: 'prepared', generation });
    } catch (error) {
      preparations.delete(generation);
      post({ kind: 'refused', generation, reason: messageOf(error) });
    }
  }

  return (message) => {
    switch (message.kind) {
      case 'prepare':
        void prepare(message.generation, received(message.config, committed));
        return;
      case 'commit': {
        const preparation = preparations.get(message.generation);
        preparations.delete(message.generation);
        if (preparation?.prepared === undefined)
          throw new Error(`asked to commit generation ${message.generation}, which is not prepared`);
        plane.commit(preparation.prepared);
        committed = preparation.config;
        return;
      }
      case 'discard': {
        const preparation = preparations.get(message.generation);
        preparations.delete(message.generation);
        if (preparation === undefined) return;
        preparation.discarded = true;
        if (preparation.prepared !== undefined) plane.discard(preparation.prepared);
        return;
      }
      case 'targets':
      case 'targetsGone':
      case 'challenges':
      case 'ticketSecrets':
      case 'staples':
        plane.receive(message);
        return;
      case 'drain':
        void plane.drain(message.limitMs).then(() => post({ kind: 'drained' }));
        return;
      case 'ping':
        post({ kind: 'pong', stats: plane.stats() });
        return;
    }
  };
}
