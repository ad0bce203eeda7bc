import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, afterEach, before, suite, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import type { CertificatePair } from './certificate-table.ts';
import { TlsHarness } from './listener-tls.support.ts';

const OLD = randomBytes(32);
const PRESENT = randomBytes(32);
const NEXT = randomBytes(32);

suite('a session', () => {
  const pairs: Record<string, CertificatePair> = {};
  let authority: TestAuthority;
  let one: TlsHarness;
  /** Another worker, or another node with the same secret. */
  let other: TlsHarness;
  before(async () => {
    authority = await TestAuthority.make();
    pairs['a'] = await authority.issue('a', ['a.example']);
    pairs['b'] = await authority.issue('b', ['b.example']);
    one = await TlsHarness.listen({}, pairs);
    other = await TlsHarness.listen({}, pairs);
  });
  after(async () => {
    await one.close();
    await other.close();
  });
  const share = (harness: TlsHarness, ...secrets: Buffer[]) =>
    harness.worker.receive({ kind: 'ticketSecrets', secrets });
  afterEach(() => other.update({}, pairs));

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const a = { servername: 'a.example', maxVersion };
    const isReused = async (session: Buffer, options: object = a) =>
      (await other.meet({ ...options, session })).isReused;

    test(`of ${maxVersion} is taken up again by a worker that has the same secret`, async () => {
      share(one, PRESENT, OLD);
      share(other, PRESENT, OLD);
      assert.equal(await isReused(await one.session(a)), true);
    });

    test(`of ${maxVersion} is taken up while its secret is a former one, and no longer`, async () => {
      share(one, OLD);
      share(other, PRESENT, OLD);
      const session = await one.session(a);
      assert.equal(await isReused(session), true);
      share(other, PRESENT);
      assert.equal(await isReused(session), false);
    });

    test(`of ${maxVersion} is taken up where the clock of another node is ahead`, async () => {
      share(one, NEXT, PRESENT);
      share(other, PRESENT, OLD, NEXT);
      assert.equal(await isReused(await one.session(a)), true);
    });

    test(`of ${maxVersion} that is taken up brings no new ticket: it ends when it would have`, async () => {
      share(one, PRESENT);
      share(other, PRESENT);
      const client = other.connect({ ...a, session: await one.session(a) });
      let tickets = 0;
      client.on('session', () => tickets++);
      // Tickets come before what the gateway says.
      await once(client, 'data');
      assert.deepEqual([client.isSessionReused(), tickets], [true, 0]);
      client.destroy();
    });

    test(`of ${maxVersion} whose secret is given up begins anew`, async () => {
      share(one, OLD);
      share(other, NEXT, PRESENT);
      assert.equal(await isReused(await one.session(a)), false);
    });

    test(`of ${maxVersion} is no good for another certificate`, async () => {
      share(one, PRESENT);
      share(other, PRESENT);
      const session = await one.session(a);
      assert.equal(await isReused(session, { ...a, servername: 'b.example' }), false);
      other.update({}, { ...pairs, a: await authority.issue('renewed', ['a.example']) });
      assert.equal(await isReused(session), false);
    });

    test(`of ${maxVersion} is no good once other authorities vouch for clients`, async () => {
      share(one, PRESENT);
      share(other, PRESENT);
      const session = await one.session(a);
      other.update({ clientAuth: { ca: authority.cert } }, pairs);
      assert.equal(await isReused(session), false);
    });

    test(`of ${maxVersion} is not kept where tickets are off`, async () => {
      share(other, PRESENT);
      other.update({ sessionTickets: false }, pairs);
      const session = await Promise.race([other.session(a), other.meet(a).then(() => undefined)]);
      if (session !== undefined) assert.equal(await isReused(session), false);
    });
  }
});
