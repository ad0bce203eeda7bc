import { isDigit, isQuote, isWordOctet, type ProbeText } from '../probe-text.ts';
import { CERTAIN, PARAMETER, PATH, type Rule, SUSPICIOUS, VALUES } from '../rule.ts';
import { Words } from '../words.ts';

const QUOTES = ["'", '"'] as const;
const CONNECTIVES = new Words(['or', 'and', 'xor', 'having']);
/** What a call may follow in a condition. */
const CALLERS = ['or', 'and', 'xor', 'having', 'select'] as const;
const COMPARISONS = new Words(['like', 'rlike', 'is', 'in', 'between', 'regexp']);
const CONSTANTS = new Words(['true', 'false', 'null']);
const STATEMENTS = new Words([
  'drop table',
  'drop database',
  'insert into',
  'delete from',
  'update ',
  'alter table',
  'truncate table',
  'create table',
  'create user',
  'exec xp_',
  'exec sp_',
  'exec master',
  'declare @',
  'shutdown',
  'waitfor delay',
]);

/** Longest literal that is read for a comparison. */
const MAX_LITERAL = 32;

export const SQL_RULES: readonly Rule[] = [
  {
    id: 'sql-union',
    group: 'sql',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: ['union select', 'union all select', 'union distinct select', 'union(select', 'union (select'],
    confirms: (text, start, end) =>
      !isWordOctet(text.at(start - 1)) && (endsValue(text, start) || beginsColumns(text, end)),
  },
  {
    id: 'sql-tautology',
    group: 'sql',
    score: CERTAIN,
    places: PATH | VALUES,
    triggers: QUOTES,
    confirms: (text, _start, end) => isCondition(text, end),
  },
  {
    id: 'sql-equal-numbers',
    group: 'sql',
    score: CERTAIN,
    places: VALUES,
    triggers: [' or ', ' and ', ' or(', ' and(', '||'],
    confirms: (text, _start, end) => isSameOnBothSides(text, end),
  },
  {
    id: 'sql-stacked',
    group: 'sql',
    score: CERTAIN,
    places: VALUES,
    triggers: [';'],
    confirms(text, start, end) {
      const at = text.afterSpace(end);
      return endsValue(text, start) && STATEMENTS.lengthAt(text, at) > 0;
    },
  },
  {
    id: 'sql-comment',
    group: 'sql',
    score: CERTAIN,
    places: PARAMETER,
    triggers: QUOTES,
    confirms: (text, _start, end) => isCutOff(text, end),
  },
  {
    id: 'sql-delay',
    group: 'sql',
    score: CERTAIN,
    places: VALUES,
    triggers: ['sleep(', 'benchmark(', 'pg_sleep(', "waitfor delay '", 'dbms_pipe.receive_message('],
    confirms: (text, start) => isInExpression(text, start),
  },
  {
    id: 'sql-internals',
    group: 'sql',
    score: SUSPICIOUS,
    places: VALUES,
    triggers: [
      'information_schema',
      'sysobjects',
      'sqlite_master',
      'pg_catalog',
      'xp_cmdshell',
      'load_file(',
      'into outfile',
      'into dumpfile',
      'extractvalue(',
      'updatexml(',
      '@@version',
    ],
  },
];

/** Whether a literal, a number or a parenthesis ends before `index`: what follows breaks out of its place in the statement. */
function endsValue(text: ProbeText, index: number): boolean {
  const before = text.at(text.at(index - 1) === 0x20 ? index - 2 : index - 1);
  return isQuote(before) || isDigit(before) || before === 0x29;
}

/** Columns as probes write them: `1,2`, `null`, `*`, `@@version`, `concat(`, `'x'`, `a,b`. "Union select committee" has none. */
function beginsColumns(text: ProbeText, index: number): boolean {
  const at = text.afterSpace(index);
  const first = text.at(at);
  if (first === 0x2a || first === 0x40 || first === 0x28 || isQuote(first)) return true;
  if (CONSTANTS.wholeLengthAt(text, at) > 0) return true;
  let end = at;
  while (end < at + MAX_LITERAL && isWordOctet(text.at(end))) end++;
  if (end === at) return false;
  const next = text.at(text.afterSpace(end));
  return (
    next === 0x2c ||
    text.at(end) === 0x28 ||
    (isDigit(first) && (next === -1 || next === 0x2d || next === 0x23))
  );
}

/** Behind a quote: `or`, and a literal that is compared, as in `' or '1'='1` and `') or 1=1`. */
function isCondition(text: ProbeText, index: number): boolean {
  let at = index;
  while (at < index + 8 && (text.at(at) === 0x20 || text.at(at) === 0x29)) at++;
  const connective = connectiveAt(text, at);
  if (connective === 0) return false;
  at += connective;
  while (at < index + 24 && (text.at(at) === 0x20 || text.at(at) === 0x28)) at++;
  const end = literalEnd(text, at);
  if (end < 0)
    return (
      CONSTANTS.wholeLengthAt(text, at) > 0 && endsStatement(text, at + CONSTANTS.wholeLengthAt(text, at))
    );
  const next = text.afterSpace(end);
  const code = text.at(next);
  return (
    (code >= 0x3c && code <= 0x3e) ||
    (code === 0x21 && text.at(next + 1) === 0x3d) ||
    COMPARISONS.wholeLengthAt(text, next) > 0 ||
    endsStatement(text, end)
  );
}

function connectiveAt(text: ProbeText, at: number): number {
  const length = CONNECTIVES.wholeLengthAt(text, at);
  if (length > 0) return length;
  return text.startsWith('||', at) || text.startsWith('&&', at) ? 2 : 0;
}

/** Behind a number or a quoted text; -1 when neither stands there. */
function literalEnd(text: ProbeText, at: number): number {
  const first = text.at(at);
  if (isDigit(first)) {
    const end = text.afterDigits(at);
    return isWordOctet(text.at(end)) ? -1 : end;
  }
  if (!isQuote(first)) return -1;
  for (let i = at + 1; i <= at + MAX_LITERAL; i++) if (text.at(i) === first) return i + 1;
  return -1;
}

/** `1=1`, `'a'='a'`: nobody asks that. */
function isSameOnBothSides(text: ProbeText, index: number): boolean {
  const left = text.afterSpace(index);
  const leftEnd = literalEnd(text, left);
  if (leftEnd < 0) return false;
  const equals = text.afterSpace(leftEnd);
  if (text.at(equals) !== 0x3d) return false;
  const right = text.afterSpace(equals + 1);
  const length = leftEnd - left;
  if (length > MAX_LITERAL) return false;
  for (let i = 0; i < length; i++) if (text.at(left + i) !== text.at(right + i)) return false;
  return !isDigit(text.at(right + length));
}

/** Whether a comment begins there. */
function endsStatement(text: ProbeText, index: number): boolean {
  const at = text.afterSpace(index);
  return text.startsWith('--', at) || text.at(at) === 0x23 || text.startsWith('/*', at);
}

/** Behind a quote: a comment in which nothing follows any more, as in `admin'--`. */
function isCutOff(text: ProbeText, index: number): boolean {
  let at = index;
  while (at < index + 8 && (text.at(at) === 0x20 || text.at(at) === 0x29 || text.at(at) === 0x3b)) at++;
  if (text.at(at) === 0x23 || text.startsWith('/*', at)) return at + 2 >= text.length;
  if (!text.startsWith('--', at)) return false;
  at += 2;
  while (at < index + 16 && (text.at(at) === 0x20 || text.at(at) === 0x2d || text.at(at) === 0x2b)) at++;
  return at >= text.length;
}

/** Whether a call stands in a condition or behind the end of a value, not in a line of a program such as `time.sleep(5)`. */
function isInExpression(text: ProbeText, start: number): boolean {
  let at = start;
  while (at > start - 4 && (text.at(at - 1) === 0x20 || text.at(at - 1) === 0x28)) at--;
  const before = text.at(at - 1);
  if (isQuote(before) || before === 0x3b || before === 0x2d || before === 0x2a) return at > 1;
  if (before === 0x7c || before === 0x26) return true;
  return CALLERS.some((word) => text.endsWith(word, at) && !isWordOctet(text.at(at - word.length - 1)));
}
