import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { listenerSchema } from '../../server/schema.ts';
import type { TlsNews } from '../../server/tls/tls-news.ts';
import { TlsControl } from './tls-control.ts';

const END = new Date('2031-02-03T04:05:06Z');
const TICKETS = { rotation: 3_600_000 };

suite("The main thread's part in TLS", () => {
  let a: Pair;
  let b: Pair;
  before(async () => {
    const authority = await TestAuthority.make();
    a = await authority.issue('a', ['a.example'], { notAfter: END });
    b = await authority.issue('b', ['b.example'], { notAfter: new Date(END.getTime() + 1000) });
  });

  const listener = (protocol: 'http' | 'https') => ({
    main: listenerSchema.parse({ port: 0, protocol }),
  });

  function started() {
    const published: TlsNews[] = [];
    const control = new TlsControl({ publish: (news) => published.push(news), log: () => {} });
    return { control, published };
  }

  test('is nothing where no listener speaks it', async () => {
    const { control, published } = started();
    await control.configure({ listeners: listener('http'), certificates: {} }, TICKETS);
    assert.deepEqual([published, control.news()], [[], []]);
    control.close();
  });

  test('gives workers secrets of session tickets, those that come later the same', async () => {
    const { control, published } = started();
    const config = { listeners: listener('https'), certificates: { a } };
    await control.configure(config, TICKETS);
    await control.configure(config, TICKETS);
    assert.deepEqual(
      published.map(({ kind }) => kind),
      ['ticketSecrets'],
    );
    assert.deepEqual(control.news(), published);
    control.close();
  });

  test('knows which certificates of listeners demand an OCSP response and have none', async () => {
    const demanding = await (await TestAuthority.make()).issue('c', ['c.example'], { mustStaple: true });
    const { control } = started();
    const told = async (names: readonly string[] | undefined) => {
      const tls = names === undefined ? {} : { tls: { certificates: names } };
      const main = listenerSchema.parse({ port: 0, protocol: 'https', ...tls });
      await control.configure({ listeners: { main }, certificates: { a, demanding } }, TICKETS);
      return control.status().mustStaple;
    };
    assert.deepEqual(await told(undefined), [{ name: 'demanding', isStapled: false }]);
    assert.deepEqual(await told(['a']), []);
    control.close();
  });

  test('knows when the certificates of the configuration in force end', async () => {
    const { control } = started();
    const ends = async (certificates: Record<string, Pair>) => {
      await control.configure({ listeners: listener('https'), certificates }, TICKETS);
      return control.status().certificates.map(({ name, validToMs }) => [name, validToMs - END.getTime()]);
    };
    assert.deepEqual(await ends({ one: a, two: b }), [
      ['one', 0],
      ['two', 1000],
    ]);
    assert.deepEqual(await ends({ two: a }), [['two', 0]]);
    control.close();
  });
});
