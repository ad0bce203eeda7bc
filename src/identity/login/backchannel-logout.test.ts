import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnsecuredJWT } from 'jose';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { RecordsUnavailable } from '../../state/records/records.ts';
import { backchannelLogout } from './backchannel-logout.ts';
import { PlacePlay } from './login-place.support.ts';
import { Visit } from './visit.ts';

/** Says of every token that alice has left: how tokens are verified is tested with the provider. */
function playOfAlice(): PlacePlay {
  const play: PlacePlay = new PlacePlay({
    logoutNotice: async () => ({ subject: 'alice', id: 'token-1', expiresAtMs: play.now + 60_000 }),
  });
  return play;
}

describe('A back-channel logout', () => {
  it('that met an outage of the store is done when it is sent again, and then once', async () => {
    const play = playOfAlice();
    const { sessions, place, records } = play;
    await sessions.create(
      {
        provider: 'first',
        user: { issuer: 'https://id.example.com', subject: 'alice', claims: {} },
        tokens: { accessToken: 'access', tokenType: 'bearer', expiresAtMs: play.now + 60_000, scopes: [] },
      },
      { scheme: 'https', host: 'app.example.com' },
    );
    const remove = records.remove.bind(records);
    records.remove = () => Promise.reject(new RecordsUnavailable('the store is away'));
    await assert.rejects(backchannelLogout(place, notice()), RecordsUnavailable);
    records.remove = remove;
    assert.equal((await backchannelLogout(place, notice())).answer.status, 200);
    assert.deepEqual(
      [...records.kept.keys()].filter((key) => /^[sg]:/.test(key)),
      [],
    );
    assert.equal((await backchannelLogout(place, notice())).answer.status, 400);
  });
});

function notice(): Visit {
  const token = new UnsecuredJWT({}).setIssuer('https://id.example.com').encode();
  const exchange = exchangeFor({
    method: 'POST',
    url: 'https://app.example.com/auth/backchannel-logout',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  return new Visit(exchange, Buffer.from(`logout_token=${token}`));
}
