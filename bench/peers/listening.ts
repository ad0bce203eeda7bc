import { connect } from 'node:net';
import { type Running, until } from '../processes.ts';

/** Waits until a proxy accepts connections. Ten thousand routes take some programs a while to read. */
export async function listening(running: Running, port: number, limitMs = 60_000): Promise<void> {
  await until(running, 'listening', limitMs, () => {
    const socket = connect({ port, host: '127.0.0.1' });
    return new Promise<true>((resolve, reject) => {
      socket.once('connect', () => resolve(true)).once('error', reject);
    }).finally(() => socket.destroy());
  });
}
