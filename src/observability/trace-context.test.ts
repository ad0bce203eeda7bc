import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { assertTakesAtMost } from '../../test/support/cpu-time.ts';
import { Fields } from '../http/fields.ts';
import {
  FLAG_RANDOM,
  FLAG_SAMPLED,
  flagsOf,
  formatTraceparent,
  isTraceparent,
  limitTracestate,
  parentIdOf,
  readTraceparent,
  Sampler,
  TraceIds,
  traceIdOf,
  upstreamSpanId,
} from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('a traceparent', () => {
  const cases: [value: string, valid: boolean, why: string][] = [
    [`00-${TRACE}-${SPAN}-01`, true, 'version 00'],
    [`00-${TRACE}-${SPAN}-00`, true, 'not sampled'],
    [`00-${TRACE}-${SPAN}-ff`, true, 'flags that are not known'],
    [`00-${TRACE}-${SPAN}-01-`, false, 'version 00 with more'],
    [`00-${TRACE}-${SPAN}-01-what`, false, 'version 00 with more'],
    [`01-${TRACE}-${SPAN}-01`, true, 'a later version'],
    [`cc-${TRACE}-${SPAN}-01-what-the-future`, true, 'a later version with more'],
    [`cc-${TRACE}-${SPAN}-01.what`, false, 'a later version with more, but no dash'],
    [`cc-${TRACE}-${SPAN}-0`, false, 'cut short'],
    [`ff-${TRACE}-${SPAN}-01`, false, 'the forbidden version'],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, false, 'a trace id of zeros'],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, false, 'a parent id of zeros'],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, false, 'capital digits'],
    [`00-${TRACE}-${SPAN.toUpperCase()}-01`, false, 'capital digits'],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, false, 'a short trace id'],
    [`00-${TRACE}-${SPAN}-1`, false, 'short flags'],
    [`00-${TRACE}-${SPAN}-0g`, false, 'flags that are no digits'],
    [`0-${TRACE}-${SPAN}-01`, false, 'a short version'],
    [`00_${TRACE}_${SPAN}_01`, false, 'other separators'],
    [` 00-${TRACE}-${SPAN}-01`, false, 'white space'],
    [`cc-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`, false, 'longer than anyone needs'],
    ['', false, 'nothing'],
  ];
  for (const [value, valid, why] of cases) {
    it(`is ${valid ? 'taken' : 'refused'}: ${why}`, () => assert.equal(isTraceparent(value), valid));
  }

  it('is read from the one field that there is', () => {
    const value = `00-${TRACE}-${SPAN}-03`;
    const fields = new Fields();
    assert.equal(readTraceparent(fields), '');
    fields.append('TraceParent', value);
    assert.equal(readTraceparent(fields), value);
    fields.append('traceparent', value);
    assert.equal(readTraceparent(fields), '');
  });

  it('gives back what it was made of', () => {
    const ids = new TraceIds();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), (flags) => {
        const trace = ids.nextTraceId();
        const span = ids.nextSpanId();
        const value = formatTraceparent(trace, span, flags);
        assert.ok(isTraceparent(value));
        assert.deepEqual([traceIdOf(value), parentIdOf(value), flagsOf(value)], [trace, span, flags]);
      }),
    );
  });

  it('passes on only the flags that are known', () => {
    assert.equal(flagsOf(`00-${TRACE}-${SPAN}-ff`), FLAG_SAMPLED | FLAG_RANDOM);
    assert.equal(formatTraceparent(TRACE, SPAN, 0xff), `00-${TRACE}-${SPAN}-03`);
    assert.equal(formatTraceparent(TRACE, SPAN, 0), `00-${TRACE}-${SPAN}-00`);
  });
});

describe('trace ids', () => {
  it('are cut from random octets, one after the other', () => {
    let next = 0;
    const ids = new TraceIds((bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = next++ & 0xff;
    });
    assert.equal(ids.nextTraceId(), '000102030405060708090a0b0c0d0e0f');
    assert.equal(ids.nextTraceId(), '101112131415161718191a1b1c1d1e1f');
    next = 1;
    assert.equal(ids.nextSpanId(), '0102030405060708');
    assert.equal(ids.nextSpanId(), '090a0b0c0d0e0f10');
  });

  it('are never all zero, and neither is the span of a call, which differs from that of its exchange', () => {
    const ids = new TraceIds((bytes) => bytes.fill(0));
    assert.equal(ids.nextTraceId(), `${'0'.repeat(31)}2`);
    assert.equal(ids.nextSpanId(), `${'0'.repeat(15)}2`);
    assert.equal(upstreamSpanId(`${'0'.repeat(15)}2`), `${'0'.repeat(15)}3`);
    const ones = new TraceIds((bytes) => bytes.fill(0xff));
    assert.equal(ones.nextSpanId(), `${'f'.repeat(15)}e`);
    assert.equal(upstreamSpanId(`${'f'.repeat(15)}e`), 'f'.repeat(16));
  });

  it('do not repeat and are well-formed, over many refills', () => {
    const ids = new TraceIds();
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      const trace = ids.nextTraceId();
      const span = ids.nextSpanId();
      assert.match(trace, /^[0-9a-f]{32}$/);
      assert.match(span, /^[0-9a-f]{15}[02468ace]$/);
      seen.add(trace).add(span).add(upstreamSpanId(span));
    }
    assert.equal(seen.size, 6000);
  });
});

describe('a tracestate', () => {
  const long = (key: string, chars: number): string => `${key}=${'v'.repeat(chars - key.length - 1)}`;
  const cases: [title: string, value: string, expected: string][] = [
    ['is passed on', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    ['loses empty members and white space', ' a=1 ,\t, b=2,', 'a=1,b=2'],
    ['may have the key of a tenant', 'fw529a3039@dt=FfAAA', 'fw529a3039@dt=FfAAA'],
    ['is dropped when a member has no value', 'a=1,b', ''],
    ['is dropped when a value is empty', 'a=', ''],
    ['is dropped when a key has capitals', 'A=1', ''],
    ['is dropped when a value has an equals sign', 'a=b=c', ''],
    ['is dropped when a key comes twice', 'a=1,a=2', ''],
    [
      'is dropped when it has more than 32 members',
      Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(','),
      '',
    ],
    [
      'may have 32 members',
      Array.from({ length: 32 }, (_, i) => `k${i}=1`).join(','),
      Array.from({ length: 32 }, (_, i) => `k${i}=1`).join(','),
    ],
    [
      'loses long members first',
      `a=1,${long('b', 200)},${long('c', 250)},${long('d', 128)}`,
      `a=1,${long('b', 200)},${long('d', 128)}`,
    ],
    [
      'then loses its last members',
      Array.from({ length: 6 }, (_, i) => long(`k${i}`, 100)).join(','),
      Array.from({ length: 5 }, (_, i) => long(`k${i}`, 100)).join(','),
    ],
    ['is dropped when it is enormous', 'a=1,'.repeat(5000), ''],
    ['is nothing when there is none', '', ''],
  ];
  for (const [title, value, expected] of cases)
    it(title, () => assert.equal(limitTracestate(value), expected));

  it('with blanks in a value costs as much as their number', () => {
    const value = `a=${'b'.padEnd(8000)}b`;
    // An expression for the blanks at the end took 100 ms each time.
    assertTakesAtMost(200, () => {
      for (let i = 0; i < 10; i++) assert.equal(limitTracestate(value), '');
    });
  });
});

describe('the sampler', () => {
  const low = `${'a'.repeat(18)}${'0'.repeat(14)}`;
  const high = `${'0'.repeat(18)}${'f'.repeat(14)}`;
  const cases: [ratio: number, traceId: string, parent: boolean | undefined, expected: boolean][] = [
    [0, high, undefined, false],
    [1, low, undefined, true],
    [0.5, high, undefined, true],
    [0.5, low, undefined, false],
    [0.5, `${'0'.repeat(18)}8${'0'.repeat(13)}`, undefined, true],
    [0.5, `${'0'.repeat(18)}7${'f'.repeat(13)}`, undefined, false],
    [0, low, true, true],
    [1, high, false, false],
  ];
  for (const [ratio, traceId, parent, expected] of cases) {
    it(`${expected ? 'records' : 'leaves'} ${traceId} at ${ratio} when the caller ${parent === undefined ? 'is silent' : parent ? 'records' : 'does not'}`, () => {
      assert.equal(new Sampler(ratio).shouldSample(traceId, parent), expected);
    });
  }

  it('records the share that it is told to, and a greater share holds the smaller one', () => {
    const ids = new TraceIds();
    const few = new Sampler(0.1);
    const many = new Sampler(0.3);
    let recorded = 0;
    for (let i = 0; i < 20_000; i++) {
      const id = ids.nextTraceId();
      if (!few.shouldSample(id, undefined)) continue;
      recorded++;
      assert.ok(many.shouldSample(id, undefined));
    }
    // Ten standard deviations on either side.
    assert.ok(recorded > 1576 && recorded < 2424, `${recorded} of 20000`);
  });
});
