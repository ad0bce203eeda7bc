import { Fields } from '../../http/fields.ts';

/**
 * The fields of a request, which from here on tell what the client sent of its own accord from what the gateway and its policies put there, also
 * where that is the same: a client that guesses it is not to make it disappear.
 */
export class ClientFields extends Fields {
  /** Lines of the client: `name:value`, the name in small letters. */
  readonly #lines = new Set<string>();

  constructor({ list }: Fields) {
    super([...list]);
    for (let i = 0; i < list.length; i += 3) this.#lines.add(`${list[i]}:${list[i + 2]}`);
  }

  /** Whether it is nothing of the client's. */
  readonly isOthers = (lower: string, value: string): boolean => !this.#lines.has(`${lower}:${value}`);

  override set(name: string, value: string): void {
    this.#disown(name.toLowerCase());
    super.set(name, value);
  }

  override put(lower: string, name: string, value: string): void {
    this.#disown(lower);
    super.put(lower, name, value);
  }

  override push(lower: string, name: string, value: string): void {
    this.#lines.delete(`${lower}:${value}`);
    super.push(lower, name, value);
  }

  override pushAll(other: Fields): void {
    const { list } = other;
    for (let i = 0; i < list.length; i += 3)
      this.push(list[i] as string, list[i + 1] as string, list[i + 2] as string);
  }

  /** What is left of a client's value is the client's. */
  override edit(name: string, change: (value: string) => string): void {
    super.edit(name, (value) => {
      const changed = change(value);
      if (!this.isOthers(name, value)) this.#lines.add(`${name}:${changed}`);
      return changed;
    });
  }

  #disown(lower: string): void {
    for (const line of this.#lines) if (line.startsWith(`${lower}:`)) this.#lines.delete(line);
  }
}
