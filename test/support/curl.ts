import assert from 'node:assert/strict';

/** A request as a line of curl in the documentation says it. */
export interface CurlRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Reads `curl` with -X, -H and -d, and words in single quotes; anything else is a mistake of the page. */
export function readCurl(line: string): CurlRequest {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  assert.equal(words.shift(), 'curl', line);
  const headers: Record<string, string> = {};
  let method: string | undefined;
  let url: string | undefined;
  let body: string | undefined;
  while (words.length > 0) {
    const word = words.shift() ?? '';
    if (word === '-X') method = words.shift();
    else if (word === '-d') body = words.shift();
    else if (word === '-H') {
      const [name = '', value = ''] = (words.shift() ?? '').split(/:\s*/, 2);
      headers[name] = value;
    } else {
      assert.ok(url === undefined && /^https?:/.test(word), `not known here: ${word}`);
      url = word;
    }
  }
  assert.ok(url !== undefined, line);
  return { method: method ?? (body === undefined ? 'GET' : 'POST'), url, headers, body };
}
