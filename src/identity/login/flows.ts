import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sha256 } from '../../lib/sha256.ts';
import type { Records } from '../../state/records/records.ts';
import type { LoginFlow } from '../providers/provider.ts';
import { type CookieSecret, newSecret } from '../sessions/cookie-secret.ts';
import type { KeyRing } from '../sessions/key-ring.ts';
import type { Begun } from './begun.ts';
import { FLOW_TTL_MS } from './flow-cookies.ts';

const sessionShape = z.object({ id: z.string(), secret: z.string() });

const flowShape = z.object({
  provider: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  rest: z.array(z.string()),
  returnTo: z.string(),
  session: sessionShape.optional(),
  replaces: sessionShape.optional(),
  prompt: z.string().optional(),
  device: z.object({ secret: z.string(), id: z.string() }).optional(),
  by: z.string(),
});

/** What is remembered of one way to a provider and back. */
export type Flow = Readonly<z.output<typeof flowShape>>;
/** What of it is decided by whoever begins it. */
export type FlowStep = Omit<Flow, 'nonce' | 'verifier'>;

/**
 * The ways to providers that browsers are on. Each is a record for one use, which only the browser that began it can open: its key follows from
 * its cookie in the browser, and its name from `state`, so that several tabs do not meet and a dump of the store tells nothing.
 */
export class Flows {
  readonly #begun: Begun;
  readonly #records: Records;
  readonly #ring: KeyRing;
  readonly #kind: string;

  constructor(begun: Begun, records: Records, ring: KeyRing, kind: string) {
    this.#begun = begun;
    this.#records = records;
    this.#ring = ring;
    this.#kind = kind;
  }

  /** Whoever has the secret can end it. Rejects with `RecordsUnavailable`. */
  async begin(step: FlowStep): Promise<{ readonly flow: LoginFlow; readonly secret: CookieSecret }> {
    const secret = newSecret();
    const flow = { ...step, nonce: random(), verifier: random() };
    const state = random();
    const key = this.#keyOf(state);
    const text = this.#ring.seal(JSON.stringify(flow), secret.octets, key);
    await this.#begun.begin(key, text, FLOW_TTL_MS, flow.by);
    return { flow: loginFlow(flow, state), secret };
  }

  /** The flow of this state, once; undefined where there is none, or it is another browser's: that one's stays. */
  async take(state: string, secret: CookieSecret): Promise<Flow | undefined> {
    const key = this.#keyOf(state);
    const record = await this.#records.read(key);
    const text = record === undefined ? undefined : this.#ring.open(record.value, secret.octets, key);
    if (text === undefined || (await this.#records.take(key)) === undefined) return undefined;
    const flow = flowShape.parse(JSON.parse(text));
    await this.#begun.end(key, flow.by);
    return flow;
  }

  #keyOf(state: string): string {
    return this.#begun.keyOf(`f:${sha256(`${this.#kind}\n${state}`)}`);
  }
}

export function loginFlow({ nonce, verifier, redirectUri, prompt }: Flow, state: string): LoginFlow {
  return { state, nonce, verifier, redirectUri, ...(prompt !== undefined && { parameters: { prompt } }) };
}

/** 256 bits: what RFC 7636 section 7.1 asks of a verifier is more than enough for the others. */
function random(): string {
  return randomBytes(32).toString('base64url');
}
