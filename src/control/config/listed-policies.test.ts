import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, messages } from './load.support.ts';

describe('policies of every route that have names', () => {
  const list =
    'policies:\n  - headers: { request: { set: { x-a: "1" } } }\n  - cors: { origins: ["https://a.example"] }\n';
  const named =
    'policies:\n  b: { cors: { origins: ["https://a.example"] } }\n  a: { headers: { request: { set: { x-a: "1" } } } }\n';

  it('are those of a list in the order of their names', async () => {
    const [one, other] = [await load({ 'portcullis.yaml': list }), await load({ 'portcullis.yaml': named })];
    assert.deepEqual(
      other.dataPlane.policies.map(({ name }) => name),
      one.dataPlane.policies.map(({ name }) => name),
    );
    assert.deepEqual(
      other.dataPlane.policies.map(({ name }) => name),
      ['headers', 'cors'],
    );
  });

  it('have errors where they stand', async () => {
    const found = await messages({ 'portcullis.yaml': 'policies:\n  b: { cors: {} }\n  a: { cosr: {} }\n' });
    assert.deepEqual(found.filter((line) => line.includes('cosr')).length, 1);
    assert.match(found.join('\n'), /3:\d+/);
  });
});
