import { setTimeout } from 'node:timers/promises';
import type { ServiceStatus } from '../../src/upstream/control/status.ts';

/** What the admin port at `admin` tells of a service. */
export async function serviceStatus(admin: string, name: string): Promise<ServiceStatus> {
  const response = await fetch(`${admin}/services`);
  const { [name]: service } = (await response.json()) as Record<string, ServiceStatus>;
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

/** Between two looks: the admin port is asked, since it tells nothing by itself. */
const LOOK_MS = 10;
const PATIENCE_MS = 10_000;

/** Resolves with what the admin port tells of a service as soon as that is as it should be; rejects when it is not for ten seconds. */
export async function untilService(
  admin: string,
  name: string,
  isSo: (status: ServiceStatus) => boolean,
): Promise<ServiceStatus> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = await serviceStatus(admin, name);
    if (isSo(status)) return status;
    if (performance.now() > deadline) throw new Error(`waited in vain; it is ${JSON.stringify(status)}`);
    await setTimeout(LOOK_MS);
  }
}

/** Nothing is under way, at the service or at any of its targets. */
export function isIdle({ inFlight, pending, retries, targets }: ServiceStatus): boolean {
  return inFlight === 0 && pending === 0 && retries === 0 && targets.every((target) => target.inFlight === 0);
}
