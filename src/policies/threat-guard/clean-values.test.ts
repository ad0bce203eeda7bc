import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CleanValues } from './clean-values.ts';

/** Whether it is remembered once it has come so often. */
function comesOften(clean: CleanValues, value: string): boolean {
  for (let i = 0; i < 20; i++) clean.add(value);
  return clean.has(value);
}

it('what comes often is remembered, and nothing else is taken for it', () => {
  const clean = new CleanValues();
  const value = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
  assert.equal(clean.has(value), false);
  assert.equal(comesOften(clean, value), true);
  for (let i = 0; i < value.length; i++)
    assert.equal(clean.has(`${value.slice(0, i)}'${value.slice(i + 1)}`), false);
});

it('what is very long is not remembered, what is short is', () => {
  const clean = new CleanValues();
  for (const value of ['', 'a', 'ab']) assert.equal(comesOften(clean, value), true, value);
  assert.equal(comesOften(clean, 'a'.repeat(256)), true);
  assert.equal(comesOften(clean, 'a'.repeat(257)), false);
});
