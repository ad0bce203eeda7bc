import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate, ClientView } from '../policy/contract.ts';

/** Whoever is at the other end of a connection. */
export class ConnectionClient implements ClientView {
  readonly address: string;
  readonly peerAddress: string;
  readonly #socket: Socket;
  /** null: there is none. */
  #certificate: ClientCertificate | null | undefined;

  constructor(socket: Socket, peerAddress: string) {
    this.address = peerAddress;
    this.peerAddress = peerAddress;
    this.#socket = socket;
  }

  /** Read when it is first asked for: most requests do not ask, and it is the same for all of a connection. */
  get certificate(): ClientCertificate | undefined {
    if (this.#certificate === undefined) this.#certificate = certificateOf(this.#socket) ?? null;
    return this.#certificate ?? undefined;
  }
}

function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  return { leaf, isVerified: socket.authorized };
}
