import * as net from 'node:net';
import { targetAddress, withPort } from '../address.ts';
import { failed, failedWith, PASSED, type Probe } from './probe.ts';

/** Passes when a connection is accepted, and closes it. For an https target too: TLS is not begun. */
export function tcpProbe(port: number | undefined): (url: string) => Probe {
  return (url) => {
    const at = targetAddress(withPort(url, port));
    return (settle) => {
      const socket = net.connect({ host: at.host, port: at.port });
      const end = (outcome: Parameters<typeof settle>[0]): void => {
        socket.off('close', onClose);
        socket.destroy();
        settle(outcome);
      };
      const onClose = (): void => end(failed('the connection was closed'));
      socket.once('connect', () => end(PASSED));
      socket.once('error', (error) => end(failedWith(error)));
      socket.once('close', onClose);
      return () => {
        socket.removeAllListeners();
        socket.on('error', () => {});
        socket.destroy();
      };
    };
  };
}
