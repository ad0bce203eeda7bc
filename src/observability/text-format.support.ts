/** A strict reader of Prometheus' text format 0.0.4, for tests: finds what a scraper would refuse or misread. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|Inf)|NaN)$/;

/** The families of a text. Throws an Error with the line that is wrong and why. */
export function parseTextFormat(text: string): Family[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  if (text.includes('\r\n')) throw new Error('a carriage return');
  const families = new Map<string, Family>();
  let current: Family | undefined;
  let help: { name: string; text: string } | undefined;
  const seen = new Set<string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line.startsWith('# HELP ')) {
      const [name = '', ...words] = line.slice(7).split(' ');
      if (!NAME.test(name)) fail('no metric name');
      if (words.join(' ') === '') fail('no help');
      help = { name, text: words.join(' ') };
    } else if (line.startsWith('# TYPE ')) {
      const [name = '', type = '', ...rest] = line.slice(7).split(' ');
      if (rest.length > 0 || !['counter', 'gauge', 'histogram'].includes(type)) fail('no type');
      if (help?.name !== name) fail('no HELP before TYPE');
      if (families.has(name)) fail('a family that comes twice');
      if (type === 'counter' && !name.endsWith('_total')) fail('a counter whose name does not end in _total');
      if (type !== 'counter' && name.endsWith('_total')) fail('a name that ends in _total and is no counter');
      current = { name, type, help: help?.text ?? '', samples: [] };
      families.set(name, current);
    } else {
      const sample = parseSample(line) ?? fail('no sample');
      if (current === undefined || !belongs(sample.name, current)) fail('a sample outside of its family');
      const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort(byName))}`;
      if (seen.has(key)) fail('a sample that comes twice');
      seen.add(key);
      if (current?.type !== 'gauge' && !(sample.value >= 0)) fail('a count that is not a positive number');
      current?.samples.push(sample);
    }
  }
  for (const family of families.values()) {
    if (family.samples.length === 0) throw new Error(`a family without samples: ${family.name}`);
    if (family.type === 'histogram') checkHistogram(family);
  }
  return [...families.values()];
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function belongs(name: string, family: Family): boolean {
  if (family.type !== 'histogram') return name === family.name;
  return ['_bucket', '_sum', '_count'].some((suffix) => name === family.name + suffix);
}

/** Buckets rise, end in +Inf, and agree with the count; each set of labels has all three kinds of samples. */
function checkHistogram(family: Family): void {
  const groups = new Map<string, { buckets: Sample[]; sum?: Sample; count?: Sample }>();
  for (const sample of family.samples) {
    const { le, ...rest } = sample.labels;
    const key = JSON.stringify(rest);
    let group = groups.get(key);
    if (group === undefined) {
      group = { buckets: [] };
      groups.set(key, group);
    }
    if (sample.name.endsWith('_bucket')) group.buckets.push(sample);
    else if (le !== undefined) throw new Error(`le outside of a bucket: ${sample.name}`);
    else if (sample.name.endsWith('_sum')) group.sum = sample;
    else group.count = sample;
  }
  for (const [key, group] of groups) {
    if (group.sum === undefined || group.count === undefined)
      throw new Error(`no sum or count: ${family.name} ${key}`);
    let bound = Number.NEGATIVE_INFINITY;
    let count = 0;
    for (const bucket of group.buckets) {
      const le = toNumber(bucket.labels.le ?? '');
      if (!(le > bound)) throw new Error(`buckets out of order: ${family.name} ${key}`);
      if (bucket.value < count) throw new Error(`buckets that fall: ${family.name} ${key}`);
      bound = le;
      count = bucket.value;
    }
    if (bound !== Number.POSITIVE_INFINITY) throw new Error(`no bucket +Inf: ${family.name} ${key}`);
    if (count !== group.count.value) throw new Error(`a count unlike its buckets: ${family.name} ${key}`);
  }
}

function parseSample(line: string): Sample | undefined {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) return undefined;
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at++;
    for (let first = true; ; first = false) {
      const label = LABEL_NAME.exec(line.slice(at))?.[0];
      if (
        label === undefined ||
        label in labels ||
        line.slice(at + label.length, at + label.length + 2) !== '="'
      )
        return undefined;
      at += label.length + 2;
      let value = '';
      for (; line[at] !== '"'; at++) {
        const c = line[at];
        if (c === undefined) return undefined;
        if (c !== '\\') {
          value += c;
          continue;
        }
        at++;
        const escaped = { '\\': '\\', '"': '"', n: '\n' }[line[at] as string];
        if (escaped === undefined) return undefined;
        value += escaped;
      }
      labels[label] = value;
      at++;
      if (line[at] === '}') break;
      if (line[at] !== ',' || (first && line[at + 1] === '}')) return undefined;
      at++;
    }
    at++;
  }
  const value = line.slice(at + 1);
  if (line[at] !== ' ' || !NUMBER.test(value)) return undefined;
  return { name, labels, value: toNumber(value) };
}

function toNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
