import { type Rule, spelling, type ValueMatch } from './schema.ts';

/** The one condition of a rule by which it is found; the others are looked at then. */
export type Anchor =
  | { readonly of: 'method'; readonly methods: readonly string[] }
  | { readonly of: 'path'; readonly match: ValueMatch }
  | { readonly of: 'field'; readonly name: string; readonly match: ValueMatch };

/** How many rules one look may have to walk along: each of them costs. */
export const MAX_ALIKE = 100;
/** Each field by which rules are found is looked for in every request. */
export const MAX_FIELDS = 32;
/** Patterns of one automaton: it grows with them. */
export const MAX_PATTERNS = 1000;
/** Lists that a text is looked for in: each is a look of its own. */
export const MAX_LISTS = 16;

/** So few that it does not matter how many. */
const FEW = 8;

/** By what a text is found, the quickest first. */
const KINDS = ['exact', 'prefix', 'list', 'pattern', 'present', 'absent'] as const;
export type MatchKind = (typeof KINDS)[number];

export function kindOf(match: ValueMatch): MatchKind {
  if (typeof match === 'string') return 'exact';
  if ('prefix' in match) return 'prefix';
  if ('list' in match) return 'list';
  if ('pattern' in match) return 'pattern';
  return match.present ? 'present' : 'absent';
}

/** One text for anchors that are the same one; of methods there are several. */
export function anchorKeys(anchor: Anchor): readonly string[] {
  switch (anchor.of) {
    case 'method':
      return anchor.methods.map((method) => `method ${method}`);
    case 'path':
      return [`path ${JSON.stringify(anchor.match)}`];
    case 'field':
      return [`field ${anchor.name} ${JSON.stringify(anchor.match)}`];
  }
}

/** `GET` includes HEAD. */
export function methodsOf({ methods }: Rule): readonly string[] | undefined {
  return methods?.includes('GET') === true && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;
}

/** Every field that a rule has a condition on. */
export function fieldsOf({ headers = {}, userAgent }: Rule): readonly (readonly [string, ValueMatch])[] {
  const fields = Object.entries(headers).map(([name, match]) => [spelling(name), match] as const);
  return userAgent === undefined ? fields : [...fields, ['user-agent', userAgent]];
}

/** Whether a rule holds wherever its anchor does. */
export function isAnchorAll(rule: Rule): boolean {
  const { methods, path } = rule;
  return (methods === undefined ? 0 : 1) + (path === undefined ? 0 : 1) + fieldsOf(rule).length === 1;
}

/** The anchor of each rule: what few others have, and what is quickly found. */
export function anchorsOf(rules: readonly Rule[]): readonly Anchor[] {
  const choices = rules.map(choicesOf);
  const uses = new Map<string, number>();
  for (const anchors of choices)
    for (const anchor of anchors)
      for (const key of anchorKeys(anchor)) uses.set(key, (uses.get(key) ?? 0) + 1);
  return choices.map((anchors) => {
    const [first, ...others] = anchors.map((anchor) => ({ anchor, cost: costOf(anchor, uses) }));
    if (first === undefined) throw new RangeError('a rule without conditions');
    return others.reduce((best, other) => (other.cost < best.cost ? other : best), first).anchor;
  });
}

function choicesOf(rule: Rule): readonly Anchor[] {
  const methods = methodsOf(rule);
  const anchors: Anchor[] = fieldsOf(rule).map(([name, match]) => ({ of: 'field', name, match }));
  if (rule.path !== undefined) anchors.unshift({ of: 'path', match: rule.path });
  // A method tells requests apart hardly at all.
  if (anchors.length === 0 && methods !== undefined) anchors.push({ of: 'method', methods });
  return anchors;
}

/** Few rules to walk along come before a quick way to find them, as long as they are not few anyway. */
function costOf(anchor: Anchor, uses: ReadonlyMap<string, number>): number {
  const alike = Math.max(...anchorKeys(anchor).map((key) => uses.get(key) ?? 0));
  const kind = anchor.of === 'method' ? KINDS.length : KINDS.indexOf(kindOf(anchor.match));
  return alike <= FEW ? kind + alike / (FEW + 1) : KINDS.length + alike;
}
