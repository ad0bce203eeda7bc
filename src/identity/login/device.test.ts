import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { type LoginFlow, ProviderUnavailable } from '../providers/provider.ts';
import { deviceCode, deviceEntered, deviceToken } from './device.ts';
import type { LocalAnswer } from './local-answer.ts';
import { login } from './login.ts';
import { PlacePlay } from './login-place.support.ts';
import { Visit } from './visit.ts';

const OPTIONS = { devices: true };

describe('A code of a device', () => {
  it('ends after ten minutes, however often the device asks', async () => {
    const play = new PlacePlay({}, OPTIONS);
    const { device_code: code } = bodyOf(await deviceCode(play.place, visit({})));
    const ask = async (): Promise<unknown> =>
      bodyOf(
        await deviceToken(
          play.place,
          visit({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: String(code) }),
        ),
      )['error'];
    for (let minute = 0; minute < 10; minute++) {
      assert.equal(await ask(), 'authorization_pending', `after ${minute} minutes`);
      play.now += 60_000;
    }
    assert.equal(await ask(), 'expired_token');
  });

  it('is guessed ten times at most from one address, also at once', async () => {
    const play = new PlacePlay({}, OPTIONS);
    assert.deepEqual(await guesses(play, Array(30).fill('192.0.2.1')), { 400: 10, 429: 20 });
    assert.deepEqual(await guesses(play, ['192.0.2.2']), { 400: 1 });
    play.now += 600_000;
    assert.deepEqual(await guesses(play, ['192.0.2.1']), { 400: 1 });
  });

  it('is guessed no more often by somebody who begins a lot beside', async () => {
    const play = new PlacePlay({}, OPTIONS);
    await guesses(play, Array(10).fill('192.0.2.1'));
    for (let begun = 0; begun < 300; begun++) await deviceCode(play.place, visit({}));
    assert.deepEqual(await guesses(play, ['192.0.2.1']), { 429: 1 });
  });

  it('is one of 250 of an address at a time, of which the oldest end', async () => {
    const play = new PlacePlay({}, OPTIONS);
    const codes: string[] = [];
    for (let begun = 0; begun < 260; begun++) {
      play.now++;
      codes.push(String(bodyOf(await deviceCode(play.place, visit({})))['device_code']));
    }
    const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
    const ask = async (code?: string): Promise<unknown> => {
      const form = { grant_type: grantType, device_code: code ?? '' };
      return bodyOf(await deviceToken(play.place, visit(form)))['error'];
    };
    assert.deepEqual(
      [await ask(codes[9]), await ask(codes[10]), await ask(codes[259])],
      ['expired_token', 'authorization_pending', 'authorization_pending'],
    );
  });

  it('is as good as before where the provider was away when it was entered, and leads back to where it is entered', async () => {
    let isAway = true;
    const authorizationUrl = async ({ state }: LoginFlow) => {
      if (isAway) throw new ProviderUnavailable('away');
      return `https://id.example.com/auth?state=${state}`;
    };
    const play = new PlacePlay({ authorizationUrl }, OPTIONS);
    const { user_code } = bodyOf(await deviceCode(play.place, visit({})));
    const enter = () => deviceEntered(play.place, visit({ user_code: String(user_code) }));
    const { answer } = await enter();
    assert.equal(answer.status, 503);
    assert.match(String(answer.body), /href="\/auth\/device">Try again/);
    isAway = false;
    assert.equal((await enter()).answer.status, 303);
    assert.equal((await enter()).answer.status, 400);
  });

  it('and a login of one address are 500 at a time', async () => {
    const authorizationUrl = async ({ state }: LoginFlow) => `https://id.example.com/auth?state=${state}`;
    const play = new PlacePlay({ authorizationUrl }, OPTIONS);
    for (let begun = 0; begun < 600; begun++) {
      play.now++;
      assert.equal((await login(play.place, visit({}))).answer.status, 303);
    }
    assert.equal(play.records.kept.size, 500);
  });

  const networks: readonly (readonly [what: string, addresses: readonly [string, string], same: boolean])[] =
    [
      ['one IPv6 network', ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'], true],
      ['one IPv6 network whose zeros are left out', ['2001:db8::1', '2001:db8:0:0:1::'], true],
      ['two IPv6 networks', ['2001:db8:1:2::1', '2001:db8:1:3::1'], false],
      ['two IPv4 addresses written as IPv6', ['::ffff:192.0.2.1', '::ffff:192.0.2.2'], false],
    ];
  for (const [what, [one, other], same] of networks)
    it(`is guessed from ${what} by ${same ? 'one' : 'two'}`, async () => {
      const play = new PlacePlay({}, OPTIONS);
      await guesses(play, Array(10).fill(one));
      assert.deepEqual(await guesses(play, [other]), same ? { 429: 1 } : { 400: 1 });
    });
});

async function guesses(play: PlacePlay, addresses: readonly string[]): Promise<Record<number, number>> {
  const answers = await Promise.all(
    addresses.map((address) => deviceEntered(play.place, visit({ user_code: 'BBBB-BBBB' }, address))),
  );
  const counts: Record<number, number> = {};
  for (const { answer } of answers) counts[answer.status] = (counts[answer.status] ?? 0) + 1;
  return counts;
}

function visit(form: Readonly<Record<string, string>>, clientAddress = '192.0.2.1'): Visit {
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
  };
  const exchange = exchangeFor({
    method: 'POST',
    url: 'https://app.example.com/auth',
    headers,
    clientAddress,
  });
  return new Visit(exchange, Buffer.from(new URLSearchParams(form).toString()));
}

function bodyOf({ answer }: LocalAnswer): Record<string, unknown> {
  return JSON.parse(String(answer.body)) as Record<string, unknown>;
}
