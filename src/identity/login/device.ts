import { createHash, randomBytes, randomInt } from 'node:crypto';
import { z } from 'zod';
import { escapeHtml } from '../../lib/html.ts';
import { sha256 } from '../../lib/sha256.ts';
import { newSecret } from '../sessions/cookie-secret.ts';
import { outcomeKey, DEVICE_TTL_MS as TTL_MS } from './device-outcome.ts';
import { json, type LocalAnswer, page, problem } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';
import { goOn } from './walk.ts';

/** RFC 8628 section 6.1: no vowels, so that no words come about; 20^8 codes. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_LENGTH = 8;
const INTERVAL_S = 5;
/** Wrong codes from one address within ten minutes: of all codes that is next to nothing (section 5.1). */
const MAX_GUESSES = 10;
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';

const pendingShape = z.object({
  secret: z.string(),
  device: z.string(),
  by: z.string(),
  endsAtMs: z.number(),
  grants: z.array(z.string()),
});
const pollShape = z.object({
  secret: z.string(),
  notBeforeMs: z.number(),
  intervalS: z.number(),
  endsAtMs: z.number(),
  by: z.string(),
});

/**
 * POST /device/code: a device asks for codes (RFC 8628 section 3.1). `grants`: further providers that its session is to have grants of, since its user's
 * browser has a session of its own.
 */
export async function deviceCode(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  if (!place.sessions.config.devices) return noDevices();
  const { login, connect } = place.sessions.config;
  const grants = (visit.form.get('grants') ?? '').split(' ').filter((name) => name !== '');
  if (!grants.every((name) => login.includes(name) || connect.includes(name)))
    return oauthError('invalid_request');
  const code = randomBytes(32).toString('base64url');
  const userCode = Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const secret = newSecret().text;
  const device = deviceOf(place, code);
  const endsAtMs = place.identity.place.nowMs() + TTL_MS;
  const by = place.begun.by(visit.clientAddress);
  await put(place, deviceKey(place, device), code, by, {
    secret,
    notBeforeMs: 0,
    intervalS: INTERVAL_S,
    endsAtMs,
  });
  await put(place, userKey(place, userCode), userCode, by, { secret, device, endsAtMs, grants });
  const shown = `${userCode.slice(0, 4)}-${userCode.slice(4)}`;
  const uri = `${visit.origin}${place.path}/device`;
  return json({
    device_code: code,
    user_code: shown,
    verification_uri: uri,
    verification_uri_complete: `${uri}?user_code=${shown}`,
    expires_in: TTL_MS / 1000,
    interval: INTERVAL_S,
  });
}

/** POST /device/token: the device asks whether its user is done (RFC 8628 section 3.4). */
export async function deviceToken(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  if (!place.sessions.config.devices) return noDevices();
  const { form } = visit;
  const [type, code] = [form.get('grant_type'), form.get('device_code')];
  // RFC 6749 section 5.2
  if (type === null) return oauthError('invalid_request');
  if (type !== GRANT_TYPE) return oauthError('unsupported_grant_type');
  if (code === null || code === '') return oauthError('invalid_request');
  const device = deviceOf(place, code);
  const key = deviceKey(place, device);
  const record = await place.records.read(key);
  const text = record && place.sessions.ring.open(record.value, keyOf(code), key);
  if (record === undefined || text === undefined) return oauthError('expired_token');
  const poll = pollShape.parse(JSON.parse(text));
  const nowMs = place.identity.place.nowMs();
  const outcome = (await place.records.read(outcomeKey(place, device)))?.value;
  if (outcome !== undefined) {
    // Once: whoever asks a second time has nothing to get.
    if ((await place.records.take(key)) === undefined) return oauthError('expired_token');
    await place.begun.end(key, poll.by);
    if (outcome !== 'allowed') return oauthError('access_denied');
    const expiresIn = Math.floor(place.sessions.config.lifetime / 1000);
    return json({ access_token: poll.secret, token_type: 'Bearer', expires_in: expiresIn });
  }
  const isEarly = nowMs < poll.notBeforeMs;
  // Section 3.5: five seconds more, for this and all that follow.
  const intervalS = poll.intervalS + (isEarly ? INTERVAL_S : 0);
  const next = { ...poll, intervalS, notBeforeMs: nowMs + intervalS * 1000 - 500 };
  const sealed = place.sessions.ring.seal(JSON.stringify(next), keyOf(code), key);
  // Asking does not make the code live longer (section 3.2).
  await place.records.replace(key, sealed, Math.max(1, poll.endsAtMs - nowMs), record.version);
  return oauthError(isEarly ? 'slow_down' : 'authorization_pending');
}

/** GET /device: the page where a user enters the code that the device shows. */
export async function devicePage(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  if (!place.sessions.config.devices) return noDevices();
  return codeForm(place, visit.query.get('user_code') ?? '', 200);
}

/** POST /device: the code belongs to a device: its user signs in for it. The browser's own session has no part in that. */
export async function deviceEntered(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  if (!place.sessions.config.devices) return noDevices();
  if (!place.isOwn(visit))
    return problem(403, 'csrf_rejected', 'The request was sent by a page that may not send it.');
  const guess = await guessOf(place, visit);
  if (guess === undefined)
    return place.refuse(visit, 429, 'too_many_guesses', 'Too many wrong codes. Wait ten minutes.');
  const entered = visit.form.get('user_code') ?? '';
  const userCode = entered.toUpperCase().replace(/[^A-Z]/g, '');
  const key = userKey(place, userCode);
  const record = await place.records.take(key);
  const text = record && place.sessions.ring.open(record, keyOf(userCode), key);
  if (text === undefined) return codeForm(place, entered, 400, 'No device waits with this code.');
  const { secret, device, by, endsAtMs, grants } = pendingShape.parse(JSON.parse(text));
  await place.records.remove([guess]);
  await Promise.all([place.begun.end(guess), place.begun.end(key, by)]);
  const providers = [...new Set([...place.sessions.config.login, ...grants])];
  const way = { providers, returnTo: `${place.path}/device`, device: { secret, id: device } };
  const made = await goOn(place, visit, way);
  const leftMs = endsAtMs - place.identity.place.nowMs();
  // The provider is away: the code is as good as before.
  if (made.answer.status === 503 && leftMs > 0) await place.begun.begin(key, record ?? '', leftMs, by);
  return made;
}

/**
 * Takes one of the guesses that an address has, before it is known whether it is wrong: many at once are as many guesses. Undefined where none is left.
 */
async function guessOf({ begun }: LoginPlace, { clientAddress }: Visit): Promise<string | undefined> {
  const by = begun.by(clientAddress);
  for (let at = 0; at < MAX_GUESSES; at++) {
    const key = begun.keyOf(`q:${by}:${at}`);
    // Not among those of the network, whose oldest others push out: guesses would be forgotten by beginning logins.
    if (await begun.begin(key, '1', TTL_MS)) return key;
  }
  return undefined;
}

function codeForm(place: LoginPlace, userCode: string, status: number, what?: string): LocalAnswer {
  return page(
    {
      title: 'Sign a device in',
      text:
        what ??
        'Enter the code that your device shows. Go on only if you began this yourself: the device will act for you.',
      html: `<form method="post" action="${escapeHtml(place.path)}/device">
<p><label>Code <input name="user_code" required autocomplete="off" maxlength="20" value="${escapeHtml(userCode.slice(0, 20))}"></label></p>
<button>Sign the device in</button>
</form>`,
    },
    status,
    status === 200 ? undefined : 'invalid_request',
  );
}

function noDevices(): LocalAnswer {
  return problem(404, 'not_found', 'There is no such page of the login.');
}

/** RFC 6749 section 5.2 */
function oauthError(error: string): LocalAnswer {
  return json({ error }, 400);
}

async function put(
  { begun, sessions }: LoginPlace,
  key: string,
  code: string,
  by: string,
  value: object,
): Promise<void> {
  const text = sessions.ring.seal(JSON.stringify({ ...value, by }), keyOf(code), key);
  await begun.begin(key, text, TTL_MS, by);
}

function deviceKey({ begun }: LoginPlace, device: string): string {
  return begun.keyOf(`d:${device}`);
}

function deviceOf({ sessions }: LoginPlace, code: string): string {
  return sha256(`device ${sessions.name}\n${code}`);
}

function userKey({ begun, sessions }: LoginPlace, userCode: string): string {
  return begun.keyOf(`u:${sessions.ring.nameOf(userCode, `user code ${sessions.name}`)}`);
}

function keyOf(code: string): Buffer {
  return createHash('sha256').update(`key ${code}`).digest();
}
