import type { AcmeStatus } from '../control/acme/keeper.ts';
import { renderGauges } from './gauges.ts';

/** How it stands with certificates by ACME, read when it is asked for. */
export function acmeMetrics(certificates: readonly AcmeStatus[]): string {
  return renderGauges([
    {
      name: 'portcullis_acme_orders_total',
      help: 'Orders of certificates that this node made, by their outcome.',
      type: 'counter',
      samples: certificates.flatMap(({ name, orders: { issued, failed } }) => [
        [{ certificate: name, outcome: 'issued' }, issued] as const,
        [{ certificate: name, outcome: 'failed' }, failed] as const,
      ]),
    },
    {
      name: 'portcullis_acme_failures',
      help: 'Orders of a certificate that failed, on any node, since the last one that did not.',
      samples: certificates.map(({ name, failures }) => [{ certificate: name }, failures]),
    },
    {
      name: 'portcullis_acme_served',
      help: 'Whether this node serves the certificate that was issued last: 1, else 0.',
      samples: certificates.map(({ name, isServed }) => [{ certificate: name }, Number(isServed)]),
    },
    {
      name: 'portcullis_acme_renewal_timestamp_seconds',
      help: 'When a certificate by ACME is to be renewed.',
      samples: certificates.flatMap(({ name, renewAtMs }) =>
        renewAtMs === undefined ? [] : [[{ certificate: name }, renewAtMs / 1000] as const],
      ),
    },
  ]);
}
