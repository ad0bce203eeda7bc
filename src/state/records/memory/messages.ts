import type { Records } from '../records.ts';

/** What may be asked of a table: the methods of `Records` that answer. */
export type Operation = Exclude<keyof Records, 'isLive' | 'onChange'>;

/** From a worker to the thread that holds the table. */
export type ToTable =
  /** From now on it is told of changes. */
  | { readonly kind: 'open' }
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly operation: Operation;
      readonly operands: readonly unknown[];
    }
  /** It has taken in everything that it was told before `barrier`. */
  | { readonly kind: 'passed'; readonly id: number };

/** The other way round. What comes first was said first. */
export type FromTable =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly reason: string; readonly isFull: boolean }
  | { readonly kind: 'changed'; readonly keys: readonly string[] }
  | { readonly kind: 'barrier'; readonly id: number };
