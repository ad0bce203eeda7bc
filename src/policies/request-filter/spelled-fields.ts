import { Fields, initialBit } from '../../http/fields.ts';
import type { RequestView } from '../../policy/contract.ts';
import { spelling } from './schema.ts';

/** What rules look at. */
export type FilteredRequest = Pick<RequestView, 'method' | 'path' | 'fields'>;

/**
 * The fields that rules name, under one spelling: CGI-style services read `x_key` as `x-key`, so that who sends the one must not get round a rule
 * on the other. Such a field counts as that one sent once more.
 */
export class SpelledFields {
  readonly #names: ReadonlySet<string>;
  readonly #initials: number;
  readonly #isOther = (lower: string): boolean => lower.includes('_') && this.#names.has(spelling(lower));

  /** `names` are as `spelling` has them. */
  constructor(names: Iterable<string>) {
    this.#names = new Set([...names].filter((name) => name.includes('-')));
    let initials = 0;
    for (const name of this.#names) initials |= initialBit(name.charCodeAt(0));
    // A name may begin with an underscore.
    if ([...this.#names].some((name) => name.startsWith('-'))) initials |= initialBit(0x5f);
    this.#initials = initials;
  }

  /** The same request where nothing is spelled otherwise. */
  of(request: FilteredRequest): FilteredRequest {
    const { method, path, fields } = request;
    if (this.#initials === 0 || !fields.someName(this.#initials, this.#isOther)) return request;
    const list = fields.list.map((text, at) => (at % 3 === 0 && this.#isOther(text) ? spelling(text) : text));
    return { method, path, fields: new Fields(list) };
  }
}
