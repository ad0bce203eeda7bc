import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type AnyNode,
  type Expression,
  type Literal,
  type ModuleDeclaration,
  type Program,
  parse,
  type Statement,
} from 'acorn';
import type { Path, Range } from './place.ts';
import type { FilePlace } from './source.ts';
import { SourceText } from './source-text.ts';

/** A module as it was written, and as JavaScript with every character in its place. */
export interface ModuleText {
  readonly text: string;
  readonly stripped: string;
}

interface Module {
  readonly source: SourceText;
  readonly program: Program;
}

interface Spot {
  readonly node: AnyNode;
  readonly module: Module;
  readonly key: Range | undefined;
}

/** Names stand for other names at most so often; a cycle ends here. */
const MAX_HOPS = 64;

/**
 * Finds where a path of an exported configuration was written: through `defineConfig(...)`, constants, spread objects and
 * imports from other files. What is computed cannot be followed; the nearest expression around it stands for it.
 */
export class TypeScriptPlaces {
  readonly #root: SourceText;
  readonly #texts: ReadonlyMap<string, ModuleText>;
  readonly #modules = new Map<string, Module | undefined>();

  constructor(root: SourceText, texts: ReadonlyMap<string, ModuleText>) {
    this.#root = root;
    this.#texts = texts;
  }

  locate(path: Path): FilePlace {
    const module = this.#module(this.#root.file);
    const root = module && (this.#exported(module, 'default') ?? this.#exported(module, 'config'));
    if (module === undefined || root === undefined) {
      return {
        source: this.#root,
        found: false,
        key: undefined,
        value: { start: 0, end: 1 },
        container: true,
      };
    }
    let spot = root;
    for (const step of path) {
      const next = this.#step(spot, step, 0);
      if (next === undefined) return placeOf(spot, false);
      spot = next;
    }
    return placeOf(spot, true);
  }

  #module(file: string): Module | undefined {
    if (!this.#modules.has(file)) this.#modules.set(file, this.#parse(file));
    return this.#modules.get(file);
  }

  #parse(file: string): Module | undefined {
    const source = this.#texts.get(file);
    // Offsets would not be those of the file.
    if (source === undefined || source.stripped.length !== source.text.length) return undefined;
    try {
      return {
        source: file === this.#root.file ? this.#root : new SourceText(file, source.text),
        program: parse(source.stripped, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true }),
      };
    } catch {
      return undefined;
    }
  }

  #step(from: Spot, step: string | number, hops: number): Spot | undefined {
    const spot = this.#resolve(from, hops);
    if (spot === undefined || hops > MAX_HOPS) return undefined;
    const { node, module } = spot;
    if (node.type === 'ArrayExpression') {
      const index = Number(step);
      const before = node.elements.slice(0, index + 1);
      const element = node.elements[index];
      if (!element || before.some((entry) => entry?.type === 'SpreadElement')) return undefined;
      return { node: element, module, key: undefined };
    }
    if (node.type !== 'ObjectExpression') return undefined;
    for (const property of node.properties.toReversed()) {
      if (property.type === 'SpreadElement') {
        const found = this.#step({ node: property.argument, module, key: undefined }, step, hops + 1);
        if (found !== undefined) return found;
      } else if (keyName(property.key, property.computed) === String(step)) {
        return { node: property.value, module, key: { start: property.key.start, end: property.key.end } };
      }
    }
    return undefined;
  }

  /** The expression that a name, a call of `defineConfig` or a member stands for. */
  #resolve(spot: Spot, hops: number): Spot | undefined {
    if (hops > MAX_HOPS) return undefined;
    const { node, module } = spot;
    switch (node.type) {
      case 'CallExpression': {
        const argument = node.arguments[0];
        if (
          node.callee.type !== 'Identifier' ||
          node.callee.name !== 'defineConfig' ||
          argument === undefined
        )
          return undefined;
        return this.#resolve({ ...spot, node: argument }, hops + 1);
      }
      case 'AwaitExpression':
        return this.#resolve({ ...spot, node: node.argument }, hops + 1);
      case 'Identifier': {
        const target = this.#named(module, node.name);
        return target && this.#resolve(target, hops + 1);
      }
      case 'MemberExpression': {
        const name = keyName(node.property, node.computed);
        const target =
          name === undefined ? undefined : this.#step({ ...spot, node: node.object }, name, hops + 1);
        return target && this.#resolve(target, hops + 1);
      }
      default:
        return spot;
    }
  }

  /** What a name of a module's top level stands for. */
  #named(module: Module, name: string): Spot | undefined {
    for (const statement of module.program.body) {
      const init = initOf(statement, name);
      if (init !== undefined) return { node: init, module, key: undefined };
      if (statement.type !== 'ImportDeclaration') continue;
      for (const specifier of statement.specifiers) {
        if (specifier.local.name !== name || specifier.type === 'ImportNamespaceSpecifier') continue;
        const imported = specifier.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(specifier.imported);
        const other = this.#imported(module, statement.source);
        return other && this.#exported(other, imported);
      }
    }
    return undefined;
  }

  #imported(module: Module, source: Literal): Module | undefined {
    if (typeof source.value !== 'string') return undefined;
    if (source.value.startsWith('file:')) return this.#module(fileURLToPath(source.value));
    return /^\.{0,2}\//.test(source.value)
      ? this.#module(resolve(dirname(module.source.file), source.value))
      : undefined;
  }

  #exported(module: Module, name: string): Spot | undefined {
    for (const statement of module.program.body) {
      if (statement.type === 'ExportDefaultDeclaration' && name === 'default')
        return { node: statement.declaration, module, key: undefined };
      if (statement.type !== 'ExportNamedDeclaration') continue;
      const init = statement.declaration ? initOf(statement.declaration, name) : undefined;
      if (init !== undefined) return { node: init, module, key: undefined };
      for (const specifier of statement.specifiers) {
        if (nameOf(specifier.exported) !== name) continue;
        if (!statement.source) return this.#named(module, nameOf(specifier.local));
        const other = this.#imported(module, statement.source);
        return other && this.#exported(other, nameOf(specifier.local));
      }
    }
    return undefined;
  }
}

function initOf(statement: Statement | ModuleDeclaration, name: string): Expression | undefined {
  if (statement.type === 'ExportNamedDeclaration')
    return statement.declaration ? initOf(statement.declaration, name) : undefined;
  if (statement.type !== 'VariableDeclaration') return undefined;
  const found = statement.declarations.find(({ id }) => id.type === 'Identifier' && id.name === name);
  return found?.init ?? undefined;
}

function keyName(key: AnyNode, computed: boolean): string | undefined {
  if (key.type === 'Literal') return String(key.value);
  return key.type === 'Identifier' && !computed ? key.name : undefined;
}

function nameOf(node: AnyNode): string {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'Literal' ? String(node.value) : '';
}

function placeOf(spot: Spot, found: boolean): FilePlace {
  const { node, module } = spot;
  return {
    source: module.source,
    found,
    key: spot.key,
    value: { start: node.start, end: node.end },
    container: node.type === 'ObjectExpression' || node.type === 'ArrayExpression',
  };
}
