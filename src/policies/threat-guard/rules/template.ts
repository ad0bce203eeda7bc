import { isDigit, isQuote, type ProbeText } from '../probe-text.ts';
import { CERTAIN, PATH, type Rule, VALUES } from '../rule.ts';
import { Words } from '../words.ts';

const OPENINGS = ['{{', '${', '#{', '*{', '%{', '{%', '<%'] as const;
const OPENING = new Words(OPENINGS);
/** How far before a name its opening is looked for. */
const MAX_EXPRESSION = 128;

export const TEMPLATE_RULES: readonly Rule[] = [
  {
    // `{{7*7}}`: who sends this wants to see 49. A template itself has names in it.
    id: 'template-arithmetic',
    group: 'template',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: OPENINGS,
    confirms: isArithmetic,
  },
  {
    id: 'template-object',
    group: 'template',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: [
      '__class__',
      '__mro__',
      '__subclasses__',
      '__globals__',
      '__builtins__',
      'constructor.constructor',
      '.constructor(',
      'java.lang.runtime',
    ],
    confirms: isInTemplate,
  },
  {
    id: 'template-java',
    group: 'template',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: [
      '#_memberaccess',
      '@java.lang.runtime@',
      't(java.lang.runtime)',
      'freemarker.template.utility.execute',
      'class.module.classloader',
    ],
  },
  {
    // CVE-2021-44228, and the ways in which it was hidden.
    id: 'template-jndi',
    group: 'template',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: ['${jndi:', '${lower:', '${upper:', '${::-', '${${env:'],
  },
];

function isArithmetic(text: ProbeText, _start: number, end: number): boolean {
  let at = text.afterSpace(text.at(end) === 0x3d ? end + 1 : end);
  at = afterNumber(text, at);
  if (at < 0) return false;
  at = text.afterSpace(at);
  const operator = text.at(at);
  if (operator !== 0x2a && operator !== 0x2b && operator !== 0x2d && operator !== 0x2f) return false;
  at = afterNumber(text, text.afterSpace(at + 1));
  if (at < 0) return false;
  const closing = text.at(text.afterSpace(at));
  return closing === 0x7d || closing === 0x25;
}

/** Behind `7` or `'7'`; -1 when neither stands there. */
function afterNumber(text: ProbeText, at: number): number {
  const quoted = isQuote(text.at(at));
  const start = quoted ? at + 1 : at;
  if (!isDigit(text.at(start))) return -1;
  const end = text.afterDigits(start);
  if (!quoted) return end;
  return isQuote(text.at(end)) ? end + 1 : -1;
}

function isInTemplate(text: ProbeText, start: number): boolean {
  for (let at = start - 1; at >= 0 && at > start - MAX_EXPRESSION; at--) {
    if (text.at(at) === 0x7d) return false;
    if (OPENING.lengthAt(text, at) > 0) return true;
  }
  return false;
}
