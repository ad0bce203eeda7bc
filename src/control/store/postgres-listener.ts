import pg from 'pg';

/** Waits between two attempts, in milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A connection that was cut on the way says nothing: it is asked whether it lives. */
const PROOF_MS = 5_000;

/**
 * Keeps one connection that hears the announcements of a channel. Calls back for each, and after every connection: something may have been
 * announced while there was none.
 */
export function listenOn(config: pg.ClientConfig, channel: string, onNews: () => void): { close(): void } {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let closed = false;

  const connect = async (): Promise<void> => {
    let next: pg.Client;
    try {
      next = new pg.Client(config);
    } catch {
      // It reads the files that the address names, which may be away for a moment.
      if (!closed) timer = setTimeout(() => void connect(), LONGEST_PAUSE_MS).unref();
      return;
    }
    client = next;
    let isGone = false;
    const gone = (): void => {
      if (isGone) return;
      isGone = true;
      clearTimeout(timer);
      void next.end().catch(() => {});
      if (closed) return;
      // Nodes that lost one server do not all come back in one moment.
      timer = setTimeout(() => void connect(), pauseMs * (0.5 + Math.random() / 2)).unref();
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    };
    next.on('error', gone);
    next.on('end', gone);
    next.on('notification', onNews);
    const prove = async (): Promise<void> => {
      await next.query('select 1');
      if (!isGone && !closed) timer = setTimeout(() => void prove().catch(gone), PROOF_MS).unref();
    };
    try {
      await next.connect();
      await next.query(`listen ${pg.escapeIdentifier(channel)}`);
      pauseMs = FIRST_PAUSE_MS;
      onNews();
      await prove();
    } catch {
      gone();
    }
  };
  void connect();

  return {
    close() {
      closed = true;
      clearTimeout(timer);
      void client?.end().catch(() => {});
    },
  };
}
