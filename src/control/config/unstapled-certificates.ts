import { isRecord } from '../../lib/is-record.ts';
import { isMustStaple } from '../../lib/must-staple.ts';
import type { ListenerCertificate } from './certificates.ts';
import { entriesOf, valueAt } from './place.ts';
import type { Problem } from './problem.ts';

/** Warns of https listeners without stapling whose certificates demand it. */
export function unstapledCertificates(
  config: Readonly<Record<string, unknown>>,
  certificates: ReadonlyMap<string, ListenerCertificate>,
): Problem[] {
  const demanding = [...certificates].flatMap(([name, { leaf }]) =>
    leaf !== undefined && isMustStaple(leaf) ? [name] : [],
  );
  if (demanding.length === 0) return [];
  return entriesOf(config['listeners']).flatMap(([listener, written]): Problem[] => {
    if (!isRecord(written) || written['protocol'] !== 'https') return [];
    if (valueAt(written, ['tls', 'stapling']) === true) return [];
    const named = valueAt(written, ['tls', 'certificates']);
    const shown = Array.isArray(named) ? demanding.filter((name) => named.includes(name)) : demanding;
    return shown.map((name) => ({
      severity: 'warning',
      path: ['listeners', listener],
      message: `the certificate ${name} demands that an OCSP response goes with it (must-staple), or clients refuse it: set tls.stapling: true`,
    }));
  });
}
