import type { InnerList } from 'structured-headers';
import { ABSENT, type Authenticator, type Finding, type Refused } from '../../identity/authenticator.ts';
import type { SignatureKey, SignatureKeys } from '../../identity/consumers/signature-keys.ts';
import type { NonceVerdict } from '../../identity/used-nonces.ts';
import type { Answer, BodyBounds, Exchange, RequestView } from '../../policy/contract.ts';
import { type Held, heldBy, hold } from '../../policy/held.ts';
import { challengeText } from '../auth/challenge.ts';
import { type ContentDigests, isContentOf, readContentDigest } from './content-digest.ts';
import {
  MALFORMED,
  NO_NONCE,
  OUTDATED,
  REPEATED,
  UNCOVERED,
  UNKNOWN_KEY,
  UNKNOWN_NONCE,
  WRONG,
  WRONG_DIGEST,
} from './refusals.ts';
import type { SignatureOptions } from './schema.ts';
import { type FieldTypes, signatureBase } from './signature-base.ts';
import { readSignatures, type SentSignature } from './signature-fields.ts';
import { structuredTypes } from './structured-fields.ts';
import { isSignatureOf } from './verify.ts';

/** What a body has to be, until it is there. */
interface ExpectedBody extends Held {
  readonly digests: ContentDigests;
}

/** What it is made of beside its options. */
export interface SignaturePlace {
  readonly keys: SignatureKeys;
  readonly nowMs: () => number;
  /** Remembers a nonce of a key, for which signatures are taken `windowMs` at most. */
  readonly takeNonce: (key: string, nonce: string, windowMs: number) => NonceVerdict | Promise<NonceVerdict>;
  readonly close?: (() => void) | undefined;
}

/** HTTP message signatures (RFC 9421) by the keys of consumers. */
export class SignatureAuthenticator implements Authenticator {
  readonly method = 'signature';
  readonly answerFields: Readonly<Record<string, string>>;
  readonly requestBodyBounds: BodyBounds;
  readonly checkBody?: (exchange: Exchange, octets: Buffer) => Answer | undefined;
  readonly strip?: (exchange: Exchange) => void;
  readonly close?: () => void;
  readonly #options: SignatureOptions;
  readonly #keys: SignatureKeys;
  readonly #takeNonce: SignaturePlace['takeNonce'];
  readonly #windowMs: number;
  readonly #challenge: string;
  readonly #types: FieldTypes;
  readonly #nowMs: () => number;

  constructor(options: SignatureOptions, { keys, nowMs, takeNonce, close }: SignaturePlace) {
    this.#options = options;
    this.#keys = keys;
    this.#nowMs = nowMs;
    this.#takeNonce = takeNonce;
    if (close !== undefined) this.close = close;
    // Taken from `skew` before `created` to `skew` behind the end of its age.
    this.#windowMs = options.maxAge + 2 * options.skew;
    this.#types = structuredTypes(options.structuredFields);
    this.#challenge = challengeText('Signature', { realm: options.realm });
    this.answerFields = { 'Accept-Signature': acceptSignature(options) };
    this.requestBodyBounds = { maxBytes: options.maxBody };
    if (options.digest === 'required')
      this.checkBody = (exchange, octets) => this.#checkBody(exchange, octets);
    if (!options.forward)
      this.strip = ({ request }) => {
        request.fields.delete('signature');
        request.fields.delete('signature-input');
      };
  }

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    const { request } = exchange;
    const { fields } = request;
    if (!fields.has('signature-input') && !fields.has('signature')) return ABSENT;
    const sent = readSignatures(fields);
    if (sent === undefined) return MALFORMED;
    const { tag } = this.#options;
    const meant = tag === undefined ? sent : sent.filter(({ covered }) => covered[1].get('tag') === tag);
    if (meant.length === 0) return ABSENT;
    // Of several the first by a known key: others may be a proxy's, or for the upstream.
    for (const signature of meant) {
      const id = signature.covered[1].get('keyid');
      const key = typeof id === 'string' ? this.#keys.find(id) : undefined;
      if (key !== undefined) return this.#judge(exchange, signature, key);
    }
    return UNKNOWN_KEY;
  }

  challenge(): string {
    return this.#challenge;
  }

  /** Cheap checks first: what is signed wrongly costs no more than it has to. */
  #judge(
    exchange: Exchange,
    { covered, octets }: SentSignature,
    key: SignatureKey,
  ): Finding | Promise<Finding> {
    const { request } = exchange;
    const parameters = covered[1];
    const algorithm = parameters.get('alg');
    // RFC 9421 section 3.2: the key says the algorithm; who sends another is refused.
    if (algorithm !== undefined && algorithm !== key.algorithm) return WRONG;
    if (!this.#isTimely(parameters)) return OUTDATED;
    const nonce = parameters.get('nonce');
    if (typeof nonce !== 'string' && this.#options.nonce === 'required') return NO_NONCE;
    if (!this.#coversEnough(request, covered)) return UNCOVERED;
    const base = signatureBase(request, covered, this.#types);
    if (typeof base !== 'string') return base;
    if (!isSignatureOf(Buffer.from(base, 'latin1'), octets, key)) return WRONG;
    const wrongBody = this.#expectBody(exchange, covered);
    if (wrongBody !== undefined) return wrongBody;
    if (typeof nonce !== 'string') return key.known;
    const taken = this.#takeNonce(key.nonceKey, nonce, this.#windowMs);
    return taken instanceof Promise ? taken.then((told) => findingOf(told, key)) : findingOf(taken, key);
  }

  #isTimely(parameters: InnerList[1]): boolean {
    const { maxAge, skew } = this.#options;
    const created = millis(parameters.get('created'));
    if (created === undefined) return false;
    const nowMs = this.#nowMs();
    if (created > nowMs + skew || created < nowMs - maxAge - skew) return false;
    if (!parameters.has('expires')) return true;
    const expires = millis(parameters.get('expires'));
    return expires !== undefined && expires >= nowMs - skew;
  }

  #coversEnough(request: RequestView, [components]: InnerList): boolean {
    const whole = new Set(components.flatMap(([name, parameters]) => (isWhole(parameters) ? [name] : [])));
    const required = this.#options.components;
    if (required !== undefined) {
      if (!required.every((name) => whole.has(name))) return false;
    } else {
      if (!whole.has('@method') || !coversTarget(request, whole)) return false;
    }
    return this.#options.digest === 'ignored' || request.bodyLength === 0 || whole.has('content-digest');
  }

  /** A body that is covered is compared when it is there; one that was taken away, at once. */
  #expectBody(exchange: Exchange, [components]: InnerList): Refused | undefined {
    if (this.#options.digest === 'ignored') return undefined;
    if (!components.some(([name]) => name === 'content-digest')) return undefined;
    const { fields, bodyLength } = exchange.request;
    const digests = readContentDigest(fields.getAll('content-digest').join(', '));
    if (digests === undefined) return WRONG_DIGEST;
    if (bodyLength === 0) return isContentOf(digests, new Uint8Array()) ? undefined : WRONG_DIGEST;
    const expected: ExpectedBody = { owner: this, next: undefined, digests };
    hold(exchange, expected);
    return undefined;
  }

  /** RFC 9530 section 2: the digest is of the content as it is sent, with its Content-Encoding. */
  #checkBody(exchange: Exchange, octets: Buffer): Answer | undefined {
    const expected = heldBy<ExpectedBody>(exchange, this);
    if (expected === undefined || isContentOf(expected.digests, octets)) return undefined;
    return {
      status: 401,
      code: WRONG_DIGEST.code,
      detail: WRONG_DIGEST.detail,
      headers: { 'WWW-Authenticate': this.#challenge, ...this.answerFields },
    };
  }
}

/** A component as such, or a field in another spelling; not a member of it, and nothing of an answer or of trailers. */
function isWhole(parameters: InnerList[1]): boolean {
  for (const name of parameters.keys()) if (name !== 'sf' && name !== 'bs') return false;
  return true;
}

function findingOf(taken: NonceVerdict, { known }: SignatureKey): Finding {
  if (taken === 'new') return known;
  return taken === 'seen' ? REPEATED : UNKNOWN_NONCE;
}

/** Seconds, as `created` and `expires` have them, as milliseconds. */
function millis(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value * 1000 : undefined;
}

/** What the client is asked to sign (RFC 9421 section 5.1). */
/** With its host: what is signed for one is not to be good at another that knows the key. */
function coversTarget({ search }: RequestView, whole: ReadonlySet<string>): boolean {
  if (whole.has('@target-uri')) return true;
  if (!whole.has('@authority')) return false;
  return whole.has('@request-target') || (whole.has('@path') && (search === '' || whole.has('@query')));
}

function acceptSignature({ components, digest, nonce, tag }: SignatureOptions): string {
  const names = [...(components ?? ['@method', '@target-uri'])];
  if (digest === 'required' && !names.includes('content-digest')) names.push('content-digest');
  const list = names.map((name) => `"${name}"`).join(' ');
  const wishes = ['created', ...(nonce === 'required' ? ['nonce'] : [])].map((name) => `;${name}`).join('');
  return `sig=(${list})${wishes}${tag === undefined ? '' : `;tag="${tag}"`}`;
}
