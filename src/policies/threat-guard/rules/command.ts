import { isDigit, type ProbeText } from '../probe-text.ts';
import { CERTAIN, PARAMETER, type Rule, SUSPICIOUS, VALUES } from '../rule.ts';
import { Words } from '../words.ts';

const ID = new Words(['id']);
/** What tells who one is: the first thing that a probe asks. */
const QUESTIONS = new Words(['whoami', 'uname', 'ifconfig', 'ipconfig']);
const READERS = new Words(['cat', 'head', 'tail', 'more', 'less', 'type', 'nl', 'tac']);
const PROBES = new Words(['nslookup', 'ping', 'dig', 'bash -i', 'nc -e', 'ncat -e', 'sh -i']);

export const COMMAND_RULES: readonly Rule[] = [
  {
    id: 'command-chain',
    group: 'command',
    score: CERTAIN,
    places: VALUES,
    triggers: [';', '|', '&', '`', '$('],
    confirms: isCommand,
  },
  {
    // In snippets, too.
    id: 'command-shell',
    group: 'command',
    score: SUSPICIOUS,
    places: VALUES,
    triggers: [
      '/bin/sh',
      '/bin/bash',
      'cmd.exe',
      'cmd /c',
      'powershell -',
      '<?php',
      '| bash',
      '|bash',
      '; sleep ',
      ';sleep ',
    ],
  },
  {
    id: 'command-evasion',
    group: 'command',
    score: CERTAIN,
    places: VALUES,
    triggers: ['${ifs}', '$ifs$', '/dev/tcp/', 'allow_url_include', 'auto_prepend_file'],
  },
  {
    // CVE-2014-6271
    id: 'command-shellshock',
    group: 'command',
    score: CERTAIN,
    places: VALUES,
    triggers: ['() {', '(){'],
    confirms: (text, _start, end) => text.at(text.afterSpace(end)) === 0x3a,
  },
  {
    id: 'command-wrapper',
    group: 'command',
    score: CERTAIN,
    places: PARAMETER,
    triggers: ['php://input', 'php://filter', 'expect://', 'phar://', 'data://text'],
    confirms: (_text, start) => start === 0,
  },
];

/** A chain, or the beginning of a substitution, and behind it a command that only a probe runs. */
function isCommand(text: ProbeText, start: number, end: number): boolean {
  let at = end;
  while (at < end + 3 && (text.at(at) === 0x7c || text.at(at) === 0x26)) at++;
  at = text.afterSpace(at);
  // Not behind a semicolon or a backtick: lists of fields and talk about code have that.
  const before = text.at(start);
  if (before !== 0x3b && before !== 0x60 && ID.wholeLengthAt(text, at) > 0) return endsCommand(text, at + 2);
  const question = QUESTIONS.wholeLengthAt(text, at);
  if (question > 0) return endsCommand(text, at + question) || text.startsWith(' -', at + question);
  const reader = READERS.wholeLengthAt(text, at);
  if (reader > 0) return isSystemPath(text, text.afterSpace(at + reader));
  const probe = PROBES.wholeLengthAt(text, at);
  return probe > 0 && text.at(at + probe) === 0x20 && isArgument(text, at + probe + 1);
}

function endsCommand(text: ProbeText, index: number): boolean {
  const next = text.at(text.afterSpace(index));
  return next === -1 || ';|&`)#>'.includes(String.fromCharCode(next));
}

function isSystemPath(text: ProbeText, at: number): boolean {
  return text.startsWith('/etc/', at) || text.startsWith('/proc/', at) || text.startsWith('c:\\', at);
}

/** An option, an address or a name with a dot: "| ping pong" has none. */
function isArgument(text: ProbeText, at: number): boolean {
  if (text.at(at) === 0x2d || isDigit(text.at(at)) || text.at(at) === 0x2f) return true;
  for (let i = at; i < at + 64; i++) {
    const code = text.at(i);
    if (code === -1 || code === 0x20) return false;
    if (code === 0x2e && i > at && text.at(i + 1) > 0x20) return true;
  }
  return false;
}
