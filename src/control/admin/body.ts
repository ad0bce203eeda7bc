import type { IncomingMessage } from 'node:http';

export type BodyText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: 'tooLarge' | 'notText' };

/** The whole body as text in UTF-8, up to a number of octets. Rejects when the client leaves. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyText> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const take = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes <= maxBytes) pieces.push(piece);
      else {
        request.off('data', take).pause();
        resolve({ ok: false, reason: 'tooLarge' });
      }
    };
    request.on('data', take);
    request.on('end', () => resolve(decoded(pieces)));
    request.on('error', reject);
  });
}

function decoded(pieces: readonly Buffer[]): BodyText {
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)) };
  } catch {
    return { ok: false, reason: 'notText' };
  }
}

/**
 * Takes what is left of a body that nobody reads, up to a number of octets and for a time: a connection that is closed with octets unread is reset,
 * and its client may never see the answer.
 */
export function discardBody(request: IncomingMessage, maxBytes: number, maxMs: number): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (): void => {
      clearTimeout(timer);
      request.off('data', count).off('end', done).off('error', done).off('close', done);
      request.pause();
      resolve();
    };
    const count = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes > maxBytes) done();
    };
    const timer = setTimeout(done, maxMs);
    request.on('data', count).on('end', done).on('error', done).on('close', done);
    request.resume();
  });
}
