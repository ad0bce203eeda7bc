import type { Question } from '../explain/question.ts';
import type { ChangeKind, OutcomeChange, OutcomeDiff, Side } from './diff.ts';

const TITLES: Readonly<Record<ChangeKind, string>> = {
  'newly-public': 'newly public',
  'newly-denied': 'newly denied',
  'newly-reachable': 'newly reachable',
  authentication: 'other authentication',
  pages: 'other pages',
  destination: 'another destination',
  limits: 'other limits',
};

/** The diff for people; ends in a line end. */
export function outcomeDiffText(diff: OutcomeDiff): string {
  const { changes, tried, cut, weaker, incomparable } = diff;
  const basis = `${tried} ${tried === 1 ? 'request' : 'requests'} tried${cut ? ', not all that there are to try' : ''}`;
  if (changes.length === 0) return `No request changes its outcome (${basis}).\n`;
  const verdict = weaker
    ? 'An authentication gets weaker.'
    : incomparable
      ? 'An authentication changes in a way that cannot be compared.'
      : 'No authentication gets weaker.';
  return `${[...changes.map(changeText), `${verdict} (${basis})`].join('\n\n')}\n`;
}

function changeText({ kind, authentication, example, before, after }: OutcomeChange): string {
  const mark =
    authentication === 'weaker' ? ': weaker' : authentication === 'changed' ? ': not comparable' : '';
  return [
    `${TITLES[kind]}${kind === 'newly-public' && mark === '' ? ': a new answer' : mark}`,
    `  ${requestText(example)}`,
    `    before  ${sideText(before, kind)}`,
    `    after   ${sideText(after, kind)}`,
  ].join('\n');
}

/** As `portcullis explain` takes it. */
function requestText({ method, url, headers }: Question): string {
  return [
    `${method} ${url}`,
    ...headers.map(([name, value]) => `-H '${`${name}: ${value}`.replaceAll("'", "'\\''")}'`),
  ].join(' ');
}

function sideText({ route, access, answer, limits, pages }: Side, kind: ChangeKind): string {
  if (route === undefined) return answer;
  return [`${route}: ${access}`, answer, ...furtherText(kind, limits, pages)].join('; ');
}

function furtherText(kind: ChangeKind, limits: readonly string[], pages: string): string[] {
  if (kind === 'pages') return [pages];
  return kind === 'limits' ? [`limits: ${limits.length > 0 ? limits.join(', ') : 'none'}`] : [];
}
