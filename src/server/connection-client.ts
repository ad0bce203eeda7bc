import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { coversHost } from '../lib/certificate-hosts.ts';
import type { ClientCertificate, ClientView } from '../policy/contract.ts';

/** Whoever is at the other end of a connection. */
export class ConnectionClient implements ClientView {
  readonly address: string;
  readonly peerAddress: string;
  readonly #socket: Socket;
  readonly #hosts: ReadonlySet<string> | undefined;
  /** The last host that was looked for and found. */
  #covered: string | undefined;
  /** null: there is none. */
  #certificate: ClientCertificate | null | undefined;

  /** `hosts` are those that the gateway's certificate is for, where requests for others are refused. */
  constructor(socket: Socket, peerAddress: string, hosts?: ReadonlySet<string>) {
    this.address = peerAddress;
    this.peerAddress = peerAddress;
    this.#socket = socket;
    this.#hosts = hosts;
  }

  /** Whether a request for this host came by a connection that was made for others (RFC 9110 section 7.4). */
  isMisdirected(host: string): boolean {
    if (this.#hosts === undefined || host === this.#covered) return false;
    if (!coversHost(this.#hosts, host.startsWith('[') ? host.slice(1, -1) : host)) return true;
    this.#covered = host;
    return false;
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
