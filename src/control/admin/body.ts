import type { IncomingMessage } from 'node:http';

export type BodyText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: 'tooLarge' | 'notText' };

/** The whole body as text in UTF-8, up to a number of octets. Rejects when the client leaves. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyText> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > maxBytes) {
        request.pause();
        resolve({ ok: false, reason: 'tooLarge' });
      } else pieces.push(piece);
    });
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
