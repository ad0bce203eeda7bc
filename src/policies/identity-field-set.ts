import { type Fields, initialBit } from '../http/fields.ts';

/**
 * Fields by which services are told who calls. A client that sends one would be taken for whoever it names, so they are taken off every
 * request, whatever its route. Services of the CGI kind read a name with any other sign for the `-` as the same name, so such
 * names are meant too.
 */
export class IdentityFields {
  readonly #names = new Set<string>();
  readonly #prefixes: string[] = [];
  /** First letters of the names that are meant. */
  readonly #initials: number;
  readonly #except: ReadonlySet<string>;

  /** One that ends in `*` is every name that begins so. Those of `except`, in small letters, are not meant as they are written there. */
  constructor(names: Iterable<string>, except: ReadonlySet<string> = NONE) {
    this.#except = except;
    let initials = 0;
    for (const name of names) {
      const isPrefix = name.endsWith('*');
      const folded = fold((isPrefix ? name.slice(0, -1) : name).toLowerCase());
      if (isPrefix) this.#prefixes.push(folded);
      else this.#names.add(folded);
      // A name that begins with a sign may begin with any other.
      initials |= folded.startsWith('-') || folded === '' ? -1 : initialBit(folded.charCodeAt(0));
    }
    this.#initials = initials;
  }

  strip(fields: Fields): void {
    if (fields.someName(this.#initials, this.#isMeant)) fields.retain((lower) => !this.#isMeant(lower));
  }

  readonly #isMeant = (lower: string): boolean => {
    const folded = fold(lower);
    return (this.#names.has(folded) || this.#begins(folded)) && !this.#except.has(lower);
  };

  #begins(folded: string): boolean {
    for (const prefix of this.#prefixes) if (folded.startsWith(prefix)) return true;
    return false;
  }
}

const NONE: ReadonlySet<string> = new Set();
const HYPHEN = 0x2d;

/** With a hyphen for every sign. Most names have no other: to see that costs a tenth of replacing. */
function fold(lower: string): string {
  for (let i = 0; i < lower.length; i++) {
    const code = lower.charCodeAt(i);
    if (code !== HYPHEN && !isLetterOrDigit(code)) return lower.replaceAll(/[^a-z0-9]/g, '-');
  }
  return lower;
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
}
