import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { isRecord } from '../../lib/is-record.ts';
import { messageOf } from '../../lib/message-of.ts';
import { certificateBlocks } from '../../lib/pem.ts';
import { pause, type Timers } from '../../lib/timers.ts';
import type { Account, AcmeClient, Resource } from './client.ts';
import { AcmeProblem } from './problem.ts';
import type { ChallengeType } from './schema.ts';

/** What the ACME server is to find when it looks for it. */
export interface Challenge {
  readonly type: ChallengeType;
  readonly host: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

export interface OrderRequest {
  readonly hosts: readonly string[];
  readonly challenge: ChallengeType;
  /** What the server knows the certificate by that it comes in the place of (RFC 9773 section 5). */
  readonly replaces: string | undefined;
  /** Makes a key, and what it is certified with in base64url. */
  readonly makeRequest: () => Promise<{ readonly key: string; readonly request: string }>;
  /** Resolves once whoever may be asked has the answers. */
  readonly publish: (challenges: readonly Challenge[]) => Promise<void>;
}

export interface OrderContext {
  readonly client: AcmeClient;
  readonly account: Account;
  readonly timers: Timers;
  /** Now, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Ends pauses at once. What is asked after that has to be refused by the client. */
  readonly signal: AbortSignal;
}

/** Between two looks at something that the server works at, where it does not say. */
const LOOK_MS = 250;
const LONGEST_LOOK_MS = 30_000;
/** How long the server may work at one thing. */
const LIMIT_MS = 5 * 60_000;
/** Certificates of a chain: every client gets all of them. */
const MAX_CHAIN = 10;

/**
 * Orders a certificate (RFC 8555 section 7.1): the order, a challenge for each host that the server does not know to be ours yet, the
 * request, and the certificate, which is checked. Rejects with an AcmeProblem.
 */
export async function orderCertificate(
  request: OrderRequest,
  context: OrderContext,
): Promise<{ readonly cert: string; readonly key: string }> {
  const { client, account } = context;
  const order = await client.order(account, request.hosts, request.replaces);
  await prove(order, request, context);
  const ready = await settled(order.url, ['ready', 'valid'], context, order);
  const { key, request: csr } = await request.makeRequest();
  const finalized = await client.post(account, textOf(ready.value, 'finalize'), { csr });
  const issued = await settled(order.url, ['valid'], context, { ...finalized, url: order.url });
  const sent = await client.certificate(account, textOf(issued.value, 'certificate'));
  const cert = checkedCertificate(sent, key, request.hosts, context.nowMs());
  return { cert, key };
}

/** Answers one challenge of every authorization that is still to be had (section 7.5). */
async function prove(order: Resource, request: OrderRequest, context: OrderContext): Promise<void> {
  const { client, account } = context;
  const pending: { readonly url: string; readonly at: string; readonly challenge: Challenge }[] = [];
  const urls = textsOf(order.value, 'authorizations');
  if (urls.length > request.hosts.length)
    throw new AcmeProblem('malformedAnswer', 'the ACME server wants more proved than was ordered');
  for (const url of urls) {
    const authorization = await client.get(account, url);
    if (authorization.value['status'] === 'valid') continue;
    if (authorization.value['status'] !== 'pending') throw failureOf(authorization);
    pending.push({ url, ...challengeOf(authorization, request, account) });
  }
  if (pending.length === 0) return;
  await request.publish(pending.map(({ challenge }) => challenge));
  for (const { at } of pending) await client.post(account, at, {});
  for (const { url } of pending) await settled(url, ['valid'], context);
}

function challengeOf(
  { value }: Resource,
  { hosts, challenge: wanted }: OrderRequest,
  account: Account,
): { readonly at: string; readonly challenge: Challenge } {
  const { identifier, challenges } = value;
  const host = isRecord(identifier) ? textOf(identifier, 'value') : '';
  // What is answered for a host proves it to whoever asks.
  if (!hosts.includes(host))
    throw new AcmeProblem('malformedAnswer', 'the ACME server wants a host proved that was not ordered');
  const offered = Array.isArray(challenges) ? challenges.filter(isRecord) : [];
  const found = offered.find(({ type }) => type === wanted);
  if (found === undefined) {
    const types = offered.map(({ type }) => String(type)).join(', ');
    throw new AcmeProblem(
      'noChallenge',
      `the ACME server does not take ${wanted} for ${host}, but ${types || 'nothing'}`,
    );
  }
  const token = textOf(found, 'token');
  // Section 8.1: a token MUST be of base64url alone, and it becomes a part of a path.
  if (!/^[\w-]{1,512}$/.test(token))
    throw new AcmeProblem('malformedAnswer', 'the ACME server gave a token that is none');
  const keyAuthorization = account.key.keyAuthorization(token);
  return { at: textOf(found, 'url'), challenge: { type: wanted, host, token, keyAuthorization } };
}

/** Looks at something until it has one of the states; `known` is what is known of it already. */
async function settled(
  url: string,
  states: readonly string[],
  context: OrderContext,
  known?: Resource,
): Promise<Resource> {
  const { client, account, timers, signal } = context;
  const end = timers.nowMs() + LIMIT_MS;
  let pauseMs = LOOK_MS;
  let isAskedAgain = false;
  for (let now = known; ; now = undefined) {
    now ??= await client.get(account, url);
    const status = String(now.value['status']);
    if (states.includes(status)) return now;
    if (!['pending', 'processing', 'ready'].includes(status)) {
      const failure = failureOf(now);
      if (failure.type !== 'refused' || isAskedAgain) throw failure;
      // A server may tell the state a moment before the reason.
      isAskedAgain = true;
      await pause(timers, LOOK_MS, signal);
      continue;
    }
    if (timers.nowMs() >= end)
      throw new AcmeProblem('tooSlow', `the ACME server was not done within ${LIMIT_MS / 1000} s`);
    // Section 7.4.1, 7.5.1: how long to wait is the server's to say.
    const wishedMs = Math.max(LOOK_MS, now.retryAfterMs ?? pauseMs);
    await pause(timers, known === now ? 0 : Math.min(LONGEST_LOOK_MS, wishedMs), signal);
    if (known !== now) pauseMs = Math.min(LONGEST_LOOK_MS, pauseMs * 2);
  }
}

/** What the server says of something that it did not grant: of the challenge that failed, where it was one. */
function failureOf({ value, retryAfterMs }: Resource): AcmeProblem {
  const { error, challenges, identifier, status } = value;
  const failed = Array.isArray(challenges)
    ? challenges.filter(isRecord).find((challenge) => isRecord(challenge['error']))
    : undefined;
  const document = failed?.['error'] ?? error;
  const host = isRecord(identifier) ? `${String(identifier['value'])}: ` : '';
  if (!isRecord(document))
    return new AcmeProblem('refused', `${host}the ACME server made it ${String(status)} and did not say why`);
  const { type, message, status: code } = AcmeProblem.from(document, Number(document['status'] ?? 0));
  return new AcmeProblem(type, `${host}${message}`, { status: code, retryAfterMs });
}

/** What is put into force has to be what was asked for, whatever the server sends. */
function checkedCertificate(sent: string, key: string, hosts: readonly string[], nowMs: number): string {
  const chain = certificateBlocks(sent);
  const cert = chain.map((block) => `${block}\n`).join('');
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    throw new AcmeProblem('malformedAnswer', 'the ACME server sent something that is no certificate');
  }
  const missing = hosts.find((host) => leaf.checkHost(host, { subject: 'never' }) === undefined);
  const fault = !leaf.checkPrivateKey(createPrivateKey(key))
    ? 'of another key'
    : missing !== undefined
      ? `that is not for ${missing}`
      : leaf.validToDate.getTime() <= nowMs
        ? 'that is over'
        : chain.length > MAX_CHAIN
          ? `in a chain of ${chain.length}, where ${MAX_CHAIN} are the most`
          : faultForTls(cert, key);
  if (fault !== undefined)
    throw new AcmeProblem('malformedAnswer', `the ACME server sent a certificate ${fault}`);
  return cert;
}

/** What the workers would refuse is not written down. */
function faultForTls(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return `that TLS has no use for: ${messageOf(error)}`;
  }
}

function textOf(value: Readonly<Record<string, unknown>>, name: string): string {
  const text = value[name];
  if (typeof text === 'string') return text;
  throw new AcmeProblem('malformedAnswer', `the ACME server answered without ${name}`);
}

function textsOf(value: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const texts = value[name];
  if (Array.isArray(texts) && texts.every((text) => typeof text === 'string')) return texts;
  throw new AcmeProblem('malformedAnswer', `the ACME server answered without ${name}`);
}
