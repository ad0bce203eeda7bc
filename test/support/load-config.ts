import type { RunningTarget } from './running-target.ts';

/** Of the real program under load. */
export const WORKERS = 2;

/** The part of a configuration that such tests have in common, before `services`: two workers, any ports, no access log. */
export function loadConfigWith(rest: string): string {
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: ${WORKERS} }
observability: { accessLog: { enabled: false } }
${rest}`;
}

/** As `targets` of a service. */
export function targetList(targets: readonly RunningTarget[]): string {
  return `[${targets.map(({ url }) => `{ url: '${url}' }`).join(', ')}]`;
}
