import type { TlsStatus } from '../control/certificates/tls-control.ts';
import { renderGauges } from './gauges.ts';

/** Samples about certificates. Text of the Prometheus exposition format 0.0.4. */
export function tlsMetrics(
  { certificates, mustStaple, staples, stapleFailures }: TlsStatus,
  nowMs: number,
): string {
  if (certificates.length === 0) return '';
  return renderGauges([
    {
      name: 'portcullis_certificate_expiry_seconds',
      help: 'Seconds until a certificate ends; negative when it is over.',
      samples: certificates.map(({ name, validToMs }) => [
        { certificate: name },
        Math.floor((validToMs - nowMs) / 1000),
      ]),
    },
    {
      name: 'portcullis_ocsp_stapled',
      help: 'Whether a fresh OCSP response goes with a certificate that demands one: 1, else 0.',
      samples: mustStaple.map(({ name, isStapled }) => [{ certificate: name }, Number(isStapled)]),
    },
    {
      name: 'portcullis_ocsp_staples',
      help: 'Certificates that a fresh OCSP response goes with.',
      samples: [[{}, staples]],
    },
    {
      name: 'portcullis_ocsp_failures_total',
      help: 'Times that an OCSP responder gave no response that can be used.',
      type: 'counter',
      samples: [[{}, stapleFailures]],
    },
  ]);
}
