import { isLetter, isQuote, isWordOctet, type ProbeText } from '../probe-text.ts';
import { CERTAIN, PATH, type Rule, SUSPICIOUS, VALUES } from '../rule.ts';

/** How far before an attribute its tag is looked for. */
const MAX_TAG = 256;
const MAX_SCRIPT = 256;

export const XSS_RULES: readonly Rule[] = [
  {
    id: 'xss-script',
    group: 'xss',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: ['<script'],
    confirms: (text, _start, end) => !isWordOctet(text.at(end)),
  },
  {
    id: 'xss-handler',
    group: 'xss',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: [' on', '/on', '"on', "'on"],
    confirms: isHandler,
  },
  {
    id: 'xss-uri',
    group: 'xss',
    score: CERTAIN,
    places: VALUES,
    triggers: ['javascript:', 'vbscript:', 'data:text/html'],
    confirms: (text, start, end) =>
      beginsValue(text, start) && (text.at(start) === 0x64 || isCalled(text, end)),
  },
  {
    // In ordinary text about pages, too.
    id: 'xss-tag',
    group: 'xss',
    score: SUSPICIOUS,
    places: PATH | VALUES,
    triggers: ['<iframe', '<object', '<embed', '<svg', '<math', '<base', '<applet', '<form'],
    confirms: (text, _start, end) => !isWordOctet(text.at(end)),
  },
  {
    id: 'xss-dom',
    group: 'xss',
    score: SUSPICIOUS,
    places: VALUES,
    triggers: ['document.cookie', 'document.write(', 'document.domain', 'string.fromcharcode(', 'eval(atob('],
  },
];

/** `onerror=` within a tag, or behind a quote that ends an attribute. */
function isHandler(text: ProbeText, start: number, end: number): boolean {
  let at = end;
  while (at < end + 24 && isLetter(text.at(at))) at++;
  if (at - end < 3 || text.at(text.afterSpace(at)) !== 0x3d) return false;
  if (isQuote(text.at(start)) || isQuote(text.at(start - 1))) return true;
  for (let i = start; i > start - MAX_TAG && i >= 0; i--) {
    const code = text.at(i);
    if (code === 0x3e) return false;
    if (code === 0x3c) return isLetter(text.at(i + 1));
  }
  return false;
}

function beginsValue(text: ProbeText, start: number): boolean {
  const before = text.at(start - 1);
  return before === -1 || before === 0x3d || before === 0x28 || isQuote(before);
}

/** Something is called or assigned, and no title follows: "JavaScript: The Good Parts". */
function isCalled(text: ProbeText, end: number): boolean {
  if (text.at(end) === 0x20) return false;
  for (let i = end; i < end + MAX_SCRIPT; i++) {
    const code = text.at(i);
    if (code === 0x28 || code === 0x60 || code === 0x3d) return true;
  }
  return false;
}
