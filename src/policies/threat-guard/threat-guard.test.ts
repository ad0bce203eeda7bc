import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import { validatePolicyUse } from '../compile.ts';
import { ORDINARY, PROBES, type Probe } from './probes.support.ts';
import { RULES } from './rules.ts';
import { threatGuardSchema } from './schema.ts';
import { ThreatGuard } from './threat-guard.ts';

/** A guard on a clock that stands, with what it counted and logged. */
function guardWith(options: object = {}) {
  const events: string[] = [];
  const lines: string[] = [];
  const clock = { now: 0 };
  const guard = new ThreatGuard(
    threatGuardSchema.parse(options),
    { route: 'shop', warn: (line) => lines.push(line), count: (event) => events.push(event) },
    () => clock.now,
  );
  const ask = (probe: RequestDescription) => guard.onRequest(exchangeFor(probe));
  return { ask, events, lines, clock };
}

const shown = ({ url, headers }: Probe) =>
  `${url}${headers === undefined ? '' : ` ${JSON.stringify(headers)}`}`;

describe('A probe is found by its rule and refused', () => {
  for (const [rule, ...probes] of PROBES) {
    for (const probe of probes) {
      it(`${rule}: ${shown(probe)}`, () => {
        const { ask, events } = guardWith({ mode: 'report' });
        assert.equal(ask(probe), undefined);
        assert.ok(events.includes(rule), `found ${events.join(', ') || 'nothing'}`);
        assert.equal(guardWith().ask(probe)?.status, 403);
      });
    }
  }

  it('however often the same was sent before, and whatever else was found or excepted', () => {
    const headers = { 'User-Agent': 'sqlmap/1' };
    const { ask } = guardWith({ exceptions: [{ paths: ['/tools'], rules: ['scanner-agent'] }] });
    for (let i = 0; i < 50; i++) assert.equal(ask({ url: '/tools', headers }), undefined);
    for (let i = 0; i < 50; i++) assert.equal(ask({ url: '/', headers })?.status, 403);
    const report = guardWith({ mode: 'report' });
    for (let i = 0; i < 50; i++) {
      report.ask({
        url: '/',
        headers: [
          ['User-Agent', 'sqlmap/2'],
          ['User-Agent', 'sqlmap/1'],
        ],
      });
      report.ask({ url: '/', headers });
    }
    assert.equal(report.events.length, 100);
  });

  it('in each field of a name that is sent several times', () => {
    const harmless = ['User-Agent', 'browser'] as const;
    const headers = [harmless, ['User-Agent', 'sqlmap/1'], harmless] as const;
    assert.equal(guardWith().ask({ url: '/', headers })?.status, 403);
  });

  it('and every rule has a probe', () => {
    assert.deepEqual(
      RULES.map(({ id }) => id),
      PROBES.map(([rule]) => rule),
    );
  });
});

describe('Ordinary traffic passes', () => {
  for (const probe of ORDINARY) {
    it(shown(probe), () => {
      const { ask, events } = guardWith();
      assert.equal(ask(probe), undefined, events.join(', '));
    });
  }
});

const SCRIPT = { url: '/search?q=%3Cscript%3E&page=1' };

describe('The answer', () => {
  it('tells the group and no more', () => {
    assert.deepEqual(guardWith().ask(SCRIPT), {
      status: 403,
      code: 'threat_detected',
      detail: 'The request looks like an attack.',
      problem: { group: 'xss' },
    });
  });

  it('is the same object each time: none is made for a request', () => {
    const { ask } = guardWith();
    assert.equal(ask(SCRIPT), ask(SCRIPT));
  });

  it('is none for the next request, which is innocent', () => {
    const { ask } = guardWith();
    ask(SCRIPT);
    assert.equal(ask({ url: '/' }), undefined);
  });
});

describe('In report mode', () => {
  it('every rule is counted, and what was found is logged without its value', () => {
    const { ask, events, lines } = guardWith({ mode: 'report' });
    const url = '/.env?na%6De=%3Cscript%3E%7B%7B7*7%7D%7D';
    assert.equal(ask({ url, headers: { 'User-Agent': 'sqlmap/1' } }), undefined);
    assert.deepEqual(events, ['scanner-secrets', 'xss-script', 'template-arithmetic', 'scanner-agent']);
    assert.deepEqual(lines, [
      'threat-guard would refuse a request to the route "shop": scanner-secrets in the path',
      'threat-guard would refuse a request to the route "shop": xss-script in the parameter "name"',
      'threat-guard would refuse a request to the route "shop": template-arithmetic in the parameter "name"',
      'threat-guard would refuse a request to the route "shop": scanner-agent in the field "user-agent"',
    ]);
  });

  it('a rule has one line in ten seconds, and the next one tells how many there were', () => {
    const { ask, events, lines, clock } = guardWith({ mode: 'report' });
    for (const now of [0, 1, 9_999]) {
      clock.now = now;
      ask(SCRIPT);
    }
    assert.deepEqual([events.length, lines.length], [3, 1]);
    ask({ url: '/.env' });
    assert.equal(lines.length, 2);
    clock.now = 10_000;
    ask(SCRIPT);
    assert.match(lines[2] as string, /xss-script in the parameter "q"; 2 more since the last line$/);
    clock.now = 20_000;
    ask(SCRIPT);
    assert.match(lines[3] as string, /xss-script in the parameter "q"$/);
  });

  it('what does not reach the threshold is neither counted nor logged', () => {
    const { ask, events, lines } = guardWith({ mode: 'report' });
    ask({ url: '/?q=document.cookie' });
    assert.deepEqual([events, lines], [[], []]);
  });

  it('a name in the log is cut, and cannot break out of its line', () => {
    const { ask, lines } = guardWith({ mode: 'report' });
    ask({ url: `/?a%0Ab${'x'.repeat(100)}=%3Cscript%3E` });
    assert.match(lines[0] as string, /in the parameter "a\\nbx{61}"$/);
  });
});

describe('What is switched off or excepted is let through', () => {
  for (const [title, options, probe, passes] of [
    ['a group', { disable: ['xss'] }, SCRIPT, true],
    ['a rule', { disable: ['xss-script'] }, SCRIPT, true],
    ['another group', { disable: ['sql'] }, SCRIPT, false],
    ['a higher threshold', { threshold: 6 }, SCRIPT, true],
    ['a lower threshold finds what is suspicious', { threshold: 3 }, { url: '/?q=document.cookie' }, false],
    [
      'a field that is not looked into',
      { headers: [] },
      { url: '/', headers: { 'User-Agent': 'sqlmap/1' } },
      true,
    ],
    [
      'a field of the user’s choice',
      { headers: ['X-Api'] },
      { url: '/', headers: { 'x-api': '<script>' } },
      false,
    ],
    ['a parameter', { exceptions: [{ parameters: ['q'] }] }, SCRIPT, true],
    ['a parameter, encoded', { exceptions: [{ parameters: ['q'] }] }, { url: '/?%71=%3Cscript%3E' }, true],
    ['another parameter', { exceptions: [{ parameters: ['p'] }] }, SCRIPT, false],
    ['a path', { exceptions: [{ paths: ['/search'] }] }, SCRIPT, true],
    ['another path', { exceptions: [{ paths: ['/searches'] }] }, SCRIPT, false],
    ['all below a path', { exceptions: [{ paths: ['/a/*'] }] }, { url: '/a/.env' }, true],
    ['the path itself', { exceptions: [{ paths: ['/search/*'] }] }, SCRIPT, true],
    ['not what only begins like the path', { exceptions: [{ paths: ['/sea/*'] }] }, SCRIPT, false],
    ['a rule in a path', { exceptions: [{ paths: ['/search'], rules: ['xss-script'] }] }, SCRIPT, true],
    ['a group in a parameter', { exceptions: [{ parameters: ['q'], rules: ['xss'] }] }, SCRIPT, true],
    ['another rule there', { exceptions: [{ parameters: ['q'], rules: ['sql'] }] }, SCRIPT, false],
    [
      'a parameter does not except the path',
      { exceptions: [{ parameters: ['q'] }] },
      { url: '/.env?q=1' },
      false,
    ],
  ] as const) {
    it(`${title}: ${passes ? 'passes' : 'refused'}`, () => {
      assert.equal(guardWith(options).ask(probe)?.status, passes ? undefined : 403);
    });
  }
});

describe('Any input', () => {
  it('is judged without an error', () => {
    const pieces = RULES.flatMap(({ triggers }) => triggers).concat([
      '%',
      '%25',
      '%u',
      "'",
      '/*',
      '*/',
      ' ',
      '&',
      '=',
      ';',
    ]);
    const { ask } = guardWith({ headers: ['x-any'] });
    const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(text, text, (path, search) => {
        ask({
          url: `/${encodeURIComponent(path.join('').toWellFormed())}?${search.join('').replaceAll('\n', '')}`,
        });
      }),
    );
  });

  it('takes time in proportion: 100 kB of what the rules look for take less than a second of the processor', () => {
    const { ask } = guardWith({ threshold: 100 });
    for (const piece of [
      ...RULES.flatMap(({ triggers }) => triggers),
      '%25',
      '/*',
      "' or ",
      ' onx',
      '<a ',
      '$(',
    ]) {
      const start = process.cpuUsage();
      ask({ url: `/?q=${encodeURIComponent(piece).repeat(Math.ceil(100_000 / piece.length))}` });
      assert.ok(process.cpuUsage(start).user < 1_000_000, piece);
    }
  });
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{ exceptions: [{}] }, 'exceptions.0', 'says nothing: it needs paths, parameters or rules'],
    [{ exceptions: [{ paths: ['/a*'] }] }, 'exceptions.0.paths.0', 'has a * that is not a whole segment'],
    [
      { exceptions: [{ paths: ['a'] }] },
      'exceptions.0.paths.0',
      'is not a path: write /search, or /search/* for all below it, too',
    ],
    [{ headers: ['a b'] }, 'headers.0', 'is not a field name'],
    [{ threshold: 0 }, 'threshold', 'Too small: expected number to be >=1'],
    [{ mode: 'log' }, 'mode', 'Invalid option: expected one of "report"|"block"'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'threat-guard', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }

  it('a rule that does not exist is refused with all that do', async () => {
    const problems = await validatePolicyUse({ name: 'threat-guard', options: { disable: ['sqli'] } });
    assert.equal(problems[0]?.path.join('.'), 'disable.0');
    assert.match(problems[0]?.message ?? '', /"sql"\|.*"sql-union"/);
  });
});
