import { isRecord } from '../../lib/is-record.ts';
import type { NamedRoute } from './load-cache.ts';
import { entriesOf, type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';

const HTTPS_ONLY = 'https-only';

/**
 * Warns of what is served over https alone where no request is one: no listener speaks TLS, and none trusts a proxy in front of it to say
 * how the client came.
 */
export function unreachableHttps(
  config: Readonly<Record<string, unknown>>,
  routes: readonly NamedRoute[],
): Problem[] {
  const listeners = entriesOf(config['listeners']).map(([, listener]) => listener);
  if (listeners.some((listener) => takesHttps(listener))) return [];
  const everywhere = useOf(Array.isArray(config['policies']) ? config['policies'] : []);
  if (everywhere !== undefined) return [warning(['policies', everywhere])];
  return routes.flatMap(([name, { enabled, match, policies }]) => {
    if (enabled === false) return [];
    if (match.protocols?.includes('http') === false) return [warning(['routes', name, 'match', 'protocols'])];
    const use = useOf(policies);
    return use === undefined ? [] : [warning(['routes', name, 'policies', use, HTTPS_ONLY])];
  });
}

function takesHttps(listener: unknown): boolean {
  if (!isRecord(listener)) return false;
  const trust = valueAt(listener, ['forwarding', 'trust']);
  return listener['protocol'] === 'https' || (Array.isArray(trust) && trust.length > 0);
}

/** Where the policy stands in a list. */
function useOf(policies: readonly unknown[]): number | undefined {
  const index = policies.findIndex((use) => isRecord(use) && Object.hasOwn(use, HTTPS_ONLY));
  return index === -1 ? undefined : index;
}

function warning(path: Path): Problem {
  return {
    severity: 'warning',
    path,
    message:
      'takes requests over https alone, and none comes so: no listener has protocol: https, and none trusts a proxy that says how a client came (forwarding.trust)',
  };
}
