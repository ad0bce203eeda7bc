/** Bounds how many checks are under way at once, of all services together; the others wait in the order in which they came. */
export class CheckSlots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(slots: number) {
    this.#free = slots;
  }

  /** Calls `start` once there is room, now or later. The function that is returned gives the room back, or the wait for it up. */
  enter(start: () => void): () => void {
    let inside = false;
    const enter = (): void => {
      inside = true;
      this.#free--;
      start();
    };
    if (this.#free > 0) enter();
    else this.#waiting.add(enter);
    return () => {
      this.#waiting.delete(enter);
      if (!inside) return;
      inside = false;
      this.#free++;
      this.#admit();
    };
  }

  #admit(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next();
  }
}
