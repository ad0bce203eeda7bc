/** Something in use. */
export interface Use<Value> {
  readonly value: Value;
  /** It is not used any more. A second call does nothing. */
  readonly release: () => void;
}

/** Something that several use together: made for the first of them, and closed when the last one lets go of it. */
export class SharedUse<Value> {
  readonly #make: () => Value;
  readonly #close: (value: Value) => void;
  #made: { readonly value: Value; users: number } | undefined;

  constructor(make: () => Value, close: (value: Value) => void) {
    this.#make = make;
    this.#close = close;
  }

  use(): Use<Value> {
    const made = (this.#made ??= { value: this.#make(), users: 0 });
    made.users++;
    let isReleased = false;
    return {
      value: made.value,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (--made.users > 0) return;
        this.#made = undefined;
        this.#close(made.value);
      },
    };
  }
}
