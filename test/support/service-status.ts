import { setTimeout } from 'node:timers/promises';
import type { ServiceStatus, TargetStatus } from '../../src/upstream/control/status.ts';

/** What the admin port at `admin` tells of a service. */
export async function serviceStatus(admin: string, name: string): Promise<ServiceStatus> {
  const response = await fetch(`${admin}/services`);
  const { [name]: service } = (await response.json()) as Record<string, ServiceStatus>;
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

export async function targetStatus(admin: string, name: string, url: string): Promise<TargetStatus> {
  const target = (await serviceStatus(admin, name)).targets.find((each) => each.url === url);
  if (target === undefined) throw new Error(`${name} has no target ${url}`);
  return target;
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
