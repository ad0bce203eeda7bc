import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { tlsMetrics } from './tls-metrics.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

suite('Metrics of certificates', () => {
  test('tell in how many seconds each ends, and what goes with them', () => {
    const status = {
      certificates: [
        { name: 'shop', validToMs: NOW + 90_500 },
        { name: 'old', validToMs: NOW - 1000 },
      ],
      mustStaple: [
        { name: 'shop', isStapled: true },
        { name: 'old', isStapled: false },
      ],
      staples: 1,
      stapleFailures: 3,
    };
    const samples = tlsMetrics(status, NOW)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.deepEqual(samples, [
      'portcullis_certificate_expiry_seconds{certificate="shop"} 90',
      'portcullis_certificate_expiry_seconds{certificate="old"} -1',
      'portcullis_ocsp_stapled{certificate="shop"} 1',
      'portcullis_ocsp_stapled{certificate="old"} 0',
      'portcullis_ocsp_staples 1',
      'portcullis_ocsp_failures_total 3',
    ]);
  });

  test('are not there without certificates', () =>
    assert.equal(tlsMetrics({ certificates: [], mustStaple: [], staples: 0, stapleFailures: 0 }, NOW), ''));
});
