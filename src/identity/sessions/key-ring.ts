import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NO_KEY = '0';

interface RingKey {
  /** Says which key it is, and nothing else of it. */
  readonly id: string;
  readonly key: Buffer;
}

/**
 * Encrypts what sessions keep. The key of a value is derived from a secret that the gateway does not have, such as that of a cookie, and from
 * the gateway's own keys: of these the first encrypts and all decrypt. Without any it follows from the secret alone.
 */
export class KeyRing {
  readonly #keys: readonly RingKey[];

  constructor(keys: readonly string[]) {
    this.#keys =
      keys.length === 0
        ? [{ id: NO_KEY, key: Buffer.alloc(0) }]
        : keys.map((text) => {
            const key = Buffer.from(hkdfSync('sha256', text, '', 'portcullis session key', 32));
            return { id: createHmac('sha256', key).update('id').digest('base64url').slice(0, 8), key };
          });
  }

  get #first(): RingKey {
    return this.#keys[0] as RingKey;
  }

  /** A text of the value that only `secret` opens, for this purpose alone: AES-256-GCM with a random nonce. */
  seal(value: string, secret: Buffer, purpose: string): string {
    const { id, key } = this.#first;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', valueKey(secret, key), nonce);
    cipher.setAAD(Buffer.from(`${id} ${purpose}`));
    const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${id}.${sealed.toString('base64url')}`;
  }

  /** Undefined where it is not a text that `seal` made with this secret and purpose, and a key of the ring. */
  open(text: string, secret: Buffer, purpose: string): string | undefined {
    const dot = text.indexOf('.');
    const known = this.#keys.find(({ id }) => id === text.slice(0, dot));
    if (known === undefined) return undefined;
    const sealed = Buffer.from(text.slice(dot + 1), 'base64url');
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(
      'aes-256-gcm',
      valueKey(secret, known.key),
      sealed.subarray(0, NONCE_BYTES),
      { authTagLength: TAG_BYTES },
    );
    decipher.setAAD(Buffer.from(`${known.id} ${purpose}`));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    try {
      const value = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
      return Buffer.concat([value, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  /** Whether the text is to be sealed anew, because its key is not the first any more. */
  isOld(text: string): boolean {
    return !text.startsWith(`${this.#first.id}.`);
  }

  /** Names of a value under every key of the ring, the first key's first: what is looked up by a value must not tell it. */
  namesOf(value: string, purpose: string): readonly string[] {
    return this.#keys.map(({ key }) =>
      createHmac('sha256', key).update(`${purpose}\n${value}`).digest('base64url'),
    );
  }

  /** Likewise, under the first key alone. */
  nameOf(value: string, purpose: string): string {
    return this.namesOf(value, purpose)[0] as string;
  }
}

function valueKey(secret: Buffer, key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, key, 'portcullis session value', 32));
}
