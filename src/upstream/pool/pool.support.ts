import { Changes } from '../../../test/support/changes.ts';
import { answer, type Script, ScriptedUpstream } from '../../../test/support/scripted-upstream.ts';
import { FieldNames } from '../../http/field-names.ts';
import type { ResponseHead } from '../../http/response-head.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { ServiceCell } from '../cells.ts';
import type { UpstreamConnection, UpstreamListener } from '../connection.ts';
import type { UpstreamFailure } from '../failure.ts';
import { limitsSchema } from '../limits/schema.ts';
import { ServiceLimits } from '../limits/service-limits.ts';
import { Pool, type PoolSettings } from './pool.ts';

export const SETTINGS: Omit<PoolSettings, 'host' | 'port'> = {
  tls: undefined,
  connectMs: 0,
  firstByteMs: 0,
  idleMs: 0,
  tunnelIdleMs: 0,
  keepMs: 0,
  lifetimeMs: 0,
  limits: { head: 1000, fields: 10 },
  max: 0,
  pending: 0,
  idle: 10,
};

/** Someone who wants a connection: takes note of what it is told, and sends nothing before the test says so. */
export class Caller implements UpstreamListener {
  connection: UpstreamConnection | undefined;
  status = 0;
  done = false;
  failure: UpstreamFailure | undefined;
  readonly #changes = new Changes();

  onConnecting(): void {}
  onConnection(connection: UpstreamConnection): void {
    this.connection = connection;
    this.#changes.tell();
  }
  onInformational(): void {}
  onHead(head: ResponseHead): void {
    this.status = head.status;
  }
  onBody(): void {}
  onBodyEnd(): void {
    this.done = true;
    this.#changes.tell();
  }
  onFlush(): void {}
  onDrain(): void {}
  onTunnelEnd(): void {}
  onFailure(failure: UpstreamFailure): void {
    this.failure = failure;
    this.#changes.tell();
  }

  async connected(): Promise<UpstreamConnection> {
    await this.#changes.until(() => this.connection !== undefined, 'a connection');
    return this.connection as UpstreamConnection;
  }
  async failed(): Promise<UpstreamFailure> {
    await this.#changes.until(() => this.failure !== undefined, 'a failure');
    return this.failure as UpstreamFailure;
  }
  /** Sends a request and waits for the whole answer. */
  async exchange(): Promise<void> {
    const connection = await this.connected();
    connection.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET', false, '');
    connection.endRequest(undefined);
    connection.flush();
    await this.#changes.until(
      () => this.done,
      'the end of the answer',
      () => String(this.failure?.cause),
    );
  }
}

/** Answers every request with 200. */
export const fine: Script = async (connection) => {
  for (;;) {
    await connection.head();
    await connection.send(answer(200, 'fine'));
  }
};

/** What pools of one service count together, as worker 0 does it. */
export const limitsOf = (cell: ServiceCell, limits: object = {}): ServiceLimits =>
  new ServiceLimits(cell, limitsSchema.parse(limits), () => 0);

export interface Bench {
  readonly pool: Pool;
  /** Another target of the same service, at the same upstream. */
  readonly other: Pool;
  /** Of the service. */
  readonly cell: ServiceCell;
  readonly upstream: ScriptedUpstream;
  /** Moves the clock and lets deadlines pass. */
  elapse(ms: number): void;
  /** Connections that the pool has open, as its observer was told. */
  open(): number;
  acquire(fresh?: boolean, from?: Pool): Caller;
}

export async function withPool(
  settings: Partial<PoolSettings>,
  act: (bench: Bench) => Promise<void>,
  script: Script = fine,
  limits: object = {},
): Promise<void> {
  await using upstream = await ScriptedUpstream.start(script);
  const clock = { nowMs: 0 };
  const deadlines = new Deadlines(() => clock.nowMs);
  let open = 0;
  const observer = { connectionOpened: () => void open++, connectionClosed: () => void open-- };
  const cell = new ServiceCell(ServiceCell.allocate(), 0);
  const serviceLimits = limitsOf(cell, limits);
  const [pool, other] = [0, 1].map(
    () =>
      new Pool(
        { ...SETTINGS, host: '127.0.0.1', port: upstream.port, ...settings },
        deadlines,
        new FieldNames(),
        observer,
        serviceLimits,
      ),
  ) as [Pool, Pool];
  await act({
    pool,
    other,
    cell,
    upstream,
    elapse(ms) {
      clock.nowMs += ms;
      deadlines.sweep();
    },
    open: () => open,
    acquire(fresh = false, from = pool) {
      const caller = new Caller();
      from.acquire(caller, fresh);
      return caller;
    },
  });
  pool.retire();
  other.retire();
}
