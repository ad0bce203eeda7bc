import { after, before } from 'node:test';

/** The tests of this file, or of this suite, have UTC for their local time. */
export function inUtc(): void {
  const { TZ: zone } = process.env;
  before(() => {
    process.env.TZ = 'UTC';
  });
  after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
}
