/**
 * Something that a policy keeps for a request from one hook to the next. It is kept in the exchange itself, by a list through what is kept: a map
 * from exchanges lives long, and makes each of them outlive the next collection of the young generation (measured at 4 us per request).
 */
export interface Held {
  /** Whose it is, such as the object with the hooks. */
  readonly owner: object;
  /** What another policy keeps for the request. */
  next: Held | undefined;
  /** A limit refuses the request: what it took of a limit that is kept here is not counted. */
  giveBack?(): void;
}

/** What an exchange keeps for policies. */
interface Holder {
  held?: Held | undefined;
}

/** A limit refuses the request: what it took of others before is not counted. */
export function giveBackTaken(exchange: Holder): void {
  for (let held = exchange.held; held !== undefined; held = held.next) held.giveBack?.();
}

export function hold(exchange: Holder, held: Held): void {
  held.next = exchange.held;
  exchange.held = held;
}

/** What this owner keeps for the request; it keeps at most one thing. */
export function heldBy<Kept extends Held>(exchange: Holder, owner: Kept['owner']): Kept | undefined {
  let held = exchange.held;
  while (held !== undefined && held.owner !== owner) held = held.next;
  return held as Kept | undefined;
}

/** Nothing more is kept of it here. */
export function letGo(exchange: Holder, held: Held): void {
  if (exchange.held === held) exchange.held = held.next;
  else {
    let before = exchange.held;
    while (before !== undefined && before.next !== held) before = before.next;
    if (before !== undefined) before.next = held.next;
  }
  held.next = undefined;
}
