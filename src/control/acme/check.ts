import { isRecord } from '../../lib/is-record.ts';
import { entriesOf } from '../config/place.ts';
import type { Problem } from '../config/problem.ts';

/** A certificate is given or ordered, and what is ordered has to be proved at a listener. */
export function checkCertificates(config: Readonly<Record<string, unknown>>): Problem[] {
  const protocols = new Set(
    entriesOf(config['listeners']).map(([, listener]) =>
      isRecord(listener) ? (listener['protocol'] ?? 'http') : undefined,
    ),
  );
  if (config['listeners'] === undefined) protocols.add('http');
  return entriesOf(config['certificates']).flatMap(([name, certificate]): Problem[] => {
    if (!isRecord(certificate)) return [];
    const path = ['certificates', name];
    const { acme } = certificate;
    if (acme === undefined)
      return ['cert', 'key'].flatMap((part) =>
        certificate[part] === undefined
          ? [{ path: [...path, part], message: 'is missing: expected a text' }]
          : [],
      );
    const given = ['cert', 'key', 'hosts'].find((part) => certificate[part] !== undefined);
    if (given !== undefined)
      return [
        {
          path: [...path, given],
          message: 'does not go with acme, by which the certificate is issued',
          atKey: true,
        },
      ];
    const at = [...path, 'acme'];
    const problems = checkStore(config['store'], at);
    return isRecord(acme) ? [...problems, ...checkChallenge(acme, at, protocols)] : problems;
  });
}

/** Accounts and certificates have to be kept somewhere, and their keys encrypted. */
function checkStore(store: unknown, path: Problem['path']): Problem[] {
  if (!isRecord(store)) return [];
  if (store['enabled'] === false)
    return [{ path, message: 'needs the store, which store.enabled switches off', atKey: true }];
  if (store['postgres'] !== undefined && store['key'] === undefined)
    return [{ path, message: 'needs store.key: private keys are encrypted in PostgreSQL', atKey: true }];
  return [];
}

function checkChallenge(
  acme: Readonly<Record<string, unknown>>,
  path: Problem['path'],
  protocols: ReadonlySet<unknown>,
): Problem[] {
  const { challenge = 'http-01' } = acme;
  const needed = challenge === 'http-01' ? 'http' : challenge === 'tls-alpn-01' ? 'https' : undefined;
  if (needed === undefined || protocols.has(needed)) return [];
  const at = acme['challenge'] === undefined ? path : [...path, 'challenge'];
  return [
    {
      path: at,
      message: `${String(challenge)} is answered by listeners with protocol ${needed}, and there is none`,
    },
  ];
}
