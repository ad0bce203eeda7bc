import { isRecord } from '../../lib/is-record.ts';
import type { Path } from './place.ts';
import type { Problem } from './problem.ts';
import { checkReference, namesOf } from './references.ts';

const LOOPBACK = '127.0.0.1';

/** What the admin port and its probes need and exclude. `taken` are the addresses and ports of listeners, as `address port`. */
export function checkAdmin(
  config: Record<string, unknown>,
  taken: ReadonlyMap<string, string>,
  problems: Problem[],
): void {
  const admin = isRecord(config['admin']) ? config['admin'] : {};
  if (admin['enabled'] === false) return;
  const { address = LOOPBACK, port = 9900, authentication, tls, probes } = admin;
  checkPort(
    { what: 'the admin port', address, port, path: ['admin', 'port'] },
    admin['port'],
    taken,
    problems,
  );
  if (isRecord(probes)) {
    const own = { address: probes['address'] ?? '0.0.0.0', port: probes['port'] ?? 9901 };
    const path = ['admin', 'probes', 'port'];
    checkPort({ what: 'the port of the probes', ...own, path }, own.port, taken, problems);
    if (own.port === port && typeof port === 'number' && port !== 0 && meet(own.address, address))
      problems.push({ path, message: `the admin port and the port of the probes are both ${port}` });
  }
  if (isRecord(tls))
    checkReference(
      tls['certificate'],
      namesOf(config['certificates']),
      'certificate',
      ['admin', 'tls', 'certificate'],
      problems,
    );
  if (isRecord(authentication))
    checkReference(
      authentication['session'],
      namesOf(config['sessions']),
      'kind of sessions',
      ['admin', 'authentication', 'session'],
      problems,
    );
  checkExposure(address, authentication, tls, problems);
}

/** Whoever reaches the port without authentication rules the gateway, and who is on the way reads what others send there. */
function checkExposure(address: unknown, authentication: unknown, tls: unknown, problems: Problem[]): void {
  if (typeof address !== 'string' || isLoopback(address)) return;
  const required = isRecord(authentication) && authentication['required'] !== false;
  const lacking = [...(required ? [] : ['authentication']), ...(tls === undefined ? ['tls'] : [])];
  if (lacking.length === 0) return;
  problems.push({
    path: ['admin', 'address'],
    message: `${address} is reached by others than this machine, which takes admin.authentication and admin.tls: ${lacking.join(' and ')} ${lacking.length === 1 ? 'is' : 'are'} missing (admin.probes serves /healthz, /readyz and /metrics alone, without them)`,
    suggestion: LOOPBACK,
  });
}

interface Place {
  readonly what: string;
  readonly address: unknown;
  readonly port: unknown;
  readonly path: Path;
}

function checkPort(
  { what, address, port, path }: Place,
  written: unknown,
  taken: ReadonlyMap<string, string>,
  problems: Problem[],
): void {
  if (typeof address !== 'string' || typeof port !== 'number' || port === 0) return;
  const other =
    taken.get(`${address.toLowerCase()} ${port}`) ?? taken.get(`0.0.0.0 ${port}`) ?? taken.get(`:: ${port}`);
  if (other === undefined) return;
  problems.push({
    path: written === undefined ? ['listeners', other, 'port'] : path,
    message: `${what} and the listener ${other} both take port ${port}`,
  });
}

function meet(a: unknown, b: unknown): boolean {
  return a === b || [a, b].some((address) => address === '0.0.0.0' || address === '::');
}

/** Whether only this machine reaches an address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export function isLoopback(address: string): boolean {
  return /^127(?:\.\d{1,3}){3}$/.test(address) || address === '::1' || address.toLowerCase() === 'localhost';
}
