import type { Fields } from '../../http/fields.ts';
import type { Exchange } from '../../policy/contract.ts';
import type { Template } from '../../policy/template.ts';
import { renderedFieldValue } from '../field-options.ts';
import type { RequestFieldOptions, ResponseFieldOptions } from './schema.ts';

type Kind = 'set' | 'add' | 'default';

/** One field to write. */
interface Change {
  readonly kind: Kind;
  readonly lower: string;
  readonly name: string;
  readonly value: Template;
}

/** The changes to one list of fields, compiled: removals first, then the others in the order set, add, default. */
export class FieldChanges {
  readonly #removed: readonly string[];
  readonly #changes: readonly Change[];

  constructor(options: RequestFieldOptions & Partial<Pick<ResponseFieldOptions, 'default'>>) {
    this.#removed = options.remove.map((name) => name.toLowerCase());
    this.#changes = [
      ...changes('set', options.set),
      ...changes('add', options.add),
      ...changes('default', options.default ?? {}),
    ];
  }

  get isEmpty(): boolean {
    return this.#removed.length + this.#changes.length === 0;
  }

  apply(fields: Fields, exchange: Exchange): void {
    const removed = this.#removed;
    for (let i = 0; i < removed.length; i++) fields.delete(removed[i] as string);
    const list = this.#changes;
    for (let i = 0; i < list.length; i++) write(fields, list[i] as Change, exchange);
  }
}

function changes(kind: Kind, record: Readonly<Record<string, Template | readonly Template[]>>): Change[] {
  return Object.entries(record).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ kind, lower: name.toLowerCase(), name, value })),
  );
}

function write(fields: Fields, { kind, lower, name, value }: Change, exchange: Exchange): void {
  if (kind === 'default' && fields.has(lower)) return;
  const { constant } = value;
  if (constant !== undefined) {
    // Checked when the configuration was loaded.
    if (kind === 'add') fields.push(lower, name, constant);
    else fields.put(lower, name, constant);
    return;
  }
  const text = renderedFieldValue(value.render(exchange));
  // A variable that the request leaves empty sends no empty field; what the field was before goes all the same.
  if (text === '') {
    if (kind === 'set') fields.delete(lower);
    return;
  }
  if (kind === 'add') fields.push(lower, name, text);
  else fields.put(lower, name, text);
}
