import type { ClientCertificate, ClientView } from '../policy/contract.ts';

/** A client that a trusted proxy tells of: the address is the client's, the connection is the proxy's. */
export class ForwardedClient implements ClientView {
  readonly address: string;
  readonly #peer: ClientView;

  constructor(address: string, peer: ClientView) {
    this.address = address;
    this.#peer = peer;
  }

  get peerAddress(): string {
    return this.#peer.peerAddress;
  }

  get certificate(): ClientCertificate | undefined {
    return this.#peer.certificate;
  }
}
