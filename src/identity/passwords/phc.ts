/** A password's hash and how it was made: what a PHC string says (https://github.com/P-H-C/phc-string-format). */
export type PasswordHash = ScryptHash | Argon2idHash;

interface Salted {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** RFC 7914. */
export interface ScryptHash extends Salted {
  readonly kind: 'scrypt';
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** RFC 9106. */
export interface Argon2idHash extends Salted {
  readonly kind: 'argon2id';
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** What verifying may cost: a hash that asks for more would let its writer stop a worker. */
const MAX_MEMORY_KIB = 256 * 1024;
/** Less than this is no protection: a few hundred thousand guesses per second. */
const MIN_MEMORY_KIB = 4 * 1024;

const SCRYPT =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]+)={0,2}$/;
const ARGON2ID =
  /^\$argon2id\$v=(\d{1,3})\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The hash, or a sentence that says what is wrong with it and holds nothing of it. */
export function parsePhc(text: string): PasswordHash | string {
  const scrypt = SCRYPT.exec(text);
  if (scrypt !== null) {
    const [ln, r, p] = [scrypt[1], scrypt[2], scrypt[3]].map(Number) as [number, number, number];
    return checked(
      { kind: 'scrypt', ln, r, p, ...salted(scrypt[4], scrypt[5]) },
      (128 * 2 ** ln * r) / 1024,
      p,
    );
  }
  const argon = ARGON2ID.exec(text);
  if (argon !== null) {
    if (argon[1] !== '19') return 'is of another version of argon2id than 19';
    const [memory, passes, parallelism] = [argon[2], argon[3], argon[4]].map(Number) as [
      number,
      number,
      number,
    ];
    const hash = { kind: 'argon2id', memory, passes, parallelism, ...salted(argon[5], argon[6]) } as const;
    return checked(hash, memory, passes * parallelism);
  }
  if (/^\$(?:2[abxy]|apr1|1|5|6)\$/.test(text)) return `is of a kind that is not taken: ${KINDS}`;
  return `is no PHC string: ${KINDS}`;
}

const KINDS = 'write $scrypt$… or $argon2id$…, as `portcullis hash` prints it';

function checked(hash: PasswordHash, memoryKib: number, rounds: number): PasswordHash | string {
  if (memoryKib > MAX_MEMORY_KIB) return 'asks for more than 256 MiB of memory';
  if (memoryKib < MIN_MEMORY_KIB) return 'asks for less than 4 MiB of memory, which guesses it too fast';
  if (rounds < 1 || rounds > 64) return 'asks for more than 64 rounds, or for none';
  if (hash.salt.length < 8 || hash.salt.length > 64) return 'has a salt that is not of 8 to 64 octets';
  if (hash.hash.length < 16 || hash.hash.length > 64) return 'has a hash that is not of 16 to 64 octets';
  return hash;
}

function salted(salt: string | undefined, hash: string | undefined): Salted {
  return { salt: Buffer.from(salt ?? '', 'base64'), hash: Buffer.from(hash ?? '', 'base64') };
}

export function formatPhc(hash: PasswordHash): string {
  const tail = `$${base64(hash.salt)}$${base64(hash.hash)}`;
  return hash.kind === 'scrypt'
    ? `$scrypt$ln=${hash.ln},r=${hash.r},p=${hash.p}${tail}`
    : `$argon2id$v=19$m=${hash.memory},t=${hash.passes},p=${hash.parallelism}${tail}`;
}

/** Without padding, as the format has it. */
function base64(octets: Buffer): string {
  return octets.toString('base64').replaceAll('=', '');
}
