import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../lib/deadlines.ts';

/** How long a client has to close its side once everything is sent. */
const LINGER_MS = 2000;

/**
 * The end of a connection after its last answer (RFC 9112 section 9.6): our side is closed, what still comes is dropped, and only when
 * the client closed too, or took too long, is the socket destroyed. Closed at once, a reset could overtake the answer.
 */
export class Lingering implements Deadline {
  deadlineMs: number;
  readonly #socket: Socket;
  readonly #deadlines: Deadlines;
  #clientEnded: boolean;

  /** `writeMs` is how long a client may take to take what is not sent yet. */
  constructor(socket: Socket, deadlines: Deadlines, writeMs: number, clientEnded: boolean) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#clientEnded = clientEnded;
    socket.end();
    this.deadlineMs = deadlines.after(socket.writableLength > 0 ? writeMs : LINGER_MS);
    socket.once('finish', () => this.#sent());
    if (socket.writableFinished) this.#sent();
    deadlines.add(this);
  }

  /** The client closed its side. */
  ended(): void {
    this.#clientEnded = true;
    if (this.#socket.writableFinished) this.#socket.destroy();
  }

  closed(): void {
    this.#deadlines.remove(this);
  }

  onDeadline(): void {
    this.#socket.destroy();
  }

  #sent(): void {
    if (this.#clientEnded) this.#socket.destroy();
    else this.deadlineMs = this.#deadlines.after(LINGER_MS);
  }
}
