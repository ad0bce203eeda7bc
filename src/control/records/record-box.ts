import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = SALT_BYTES + NONCE_BYTES + TAG_BYTES;
const ID_BYTES = 16;

/**
 * Encrypts what stands in a file: AES-256-GCM (NIST SP 800-38D) with a key for each box, made of the secret and a random salt, so that no number of
 * boxes makes a nonce likely to come twice. A box opens only under the id that it was closed with: none can be put in another's place.
 */
export class RecordBox {
  readonly #boxKey: Buffer;
  readonly #idKey: Buffer;

  /** Any text that is hard to guess: it is not stretched. One secret makes other keys for another purpose. */
  constructor(secret: string, purpose: 'records' | 'store' = 'records') {
    this.#boxKey = derived(secret, `portcullis ${purpose}: boxes`);
    this.#idKey = derived(secret, `portcullis ${purpose}: names`);
  }

  /** The same for the same name, and tells nothing of it. */
  idOf(name: string): Buffer {
    return createHmac('sha256', this.#idKey).update(name).digest().subarray(0, ID_BYTES);
  }

  close(id: Uint8Array, text: string): Buffer {
    const head = randomBytes(SALT_BYTES + NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keyFor(head), head.subarray(SALT_BYTES));
    cipher.setAAD(id);
    const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([head, cipher.getAuthTag(), content]);
  }

  /** undefined where it was closed with another secret or id, or was changed since. */
  open(id: Uint8Array, box: Uint8Array): string | undefined {
    if (box.length < HEAD_BYTES) return undefined;
    const nonce = box.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv('aes-256-gcm', this.#keyFor(box), nonce, options);
    decipher.setAAD(id);
    decipher.setAuthTag(box.subarray(SALT_BYTES + NONCE_BYTES, HEAD_BYTES));
    try {
      return decipher.update(box.subarray(HEAD_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  #keyFor(box: Uint8Array): Buffer {
    return createHmac('sha256', this.#boxKey).update(box.subarray(0, SALT_BYTES)).digest();
  }
}

/** RFC 5869. */
function derived(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
}
