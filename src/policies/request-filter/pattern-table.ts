import { RE2Set } from 're2js';
import { BoundedMap } from '../../lib/bounded-map.ts';

/** Most requests have a user agent, a host and so on that one shortly before had too. */
const KEPT_TEXTS = 1024;
/** Longer texts are not kept: who sends the longest that there are should not fill the memory. */
const MAX_KEPT_CHARS = 512;

/** Values by pattern. All patterns are one automaton, so that a text is read once, however many they are. */
export class PatternTable<Value> {
  readonly #set = new RE2Set();
  readonly #values: readonly Value[];
  readonly #kept = new BoundedMap<string, readonly number[]>(KEPT_TEXTS);

  constructor(entries: ReadonlyMap<string, Value>) {
    for (const pattern of entries.keys()) this.#set.add(pattern);
    this.#set.compile();
    this.#values = [...entries.values()];
  }

  /** Adds to `found` the value of each pattern that is found in the text. */
  find(text: string, found: Value[]): void {
    let numbers = this.#kept.get(text);
    if (numbers === undefined) {
      numbers = this.#set.match(text);
      if (text.length <= MAX_KEPT_CHARS) this.#kept.set(text, numbers);
    }
    for (let i = 0; i < numbers.length; i++) found.push(this.#values[numbers[i] as number] as Value);
  }
}
