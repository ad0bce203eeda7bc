import { httpProbe, type ProbedService } from './http-probe.ts';
import type { Probe } from './probe.ts';
import type { ActiveHealthSettings } from './schema.ts';
import { tcpProbe } from './tcp-probe.ts';

/**
 * How the targets of a service are checked: a probe for the URL of each. Throws the error of OpenSSL when a certificate or key is unusable.
 */
export function compileProbe(settings: ActiveHealthSettings, service: ProbedService): (url: string) => Probe {
  return settings.type === 'tcp' ? tcpProbe(settings.port) : httpProbe(settings, service);
}
