import { ErrorReply } from '@redis/client';
import { clockMs } from '../../../lib/clock.ts';
import { digest } from '../../redis/key-names.ts';
import { Outage } from '../../redis/outage.ts';
import type { Script } from '../../redis/script.ts';
import type { Link, Topology } from '../../redis/topology.ts';
import { checkName, checkValue, lifetimeMs, MAX_MEMBERS } from '../checks.ts';
import { type Lease, type OpenRecords, RecordsUnavailable, type StoredRecord } from '../records.ts';
import { RedisNews } from './redis-news.ts';
import { type IfBroken, ResilientLink } from './resilient-link.ts';
import { SCRIPTS } from './scripts.ts';

export interface RedisRecordsOptions {
  readonly topology: Topology;
  /** Begins every key. */
  readonly prefix: string;
  /** How long a call may take. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
}

/** Keys removed at one time: each is a command of its own. */
const REMOVED_AT_ONCE = 100;

/** Records in Redis, for all nodes together. A call is a script, which Redis does as a whole. */
export class RedisRecords implements OpenRecords {
  readonly #prefix: string;
  readonly #channel: string;
  readonly #link: ResilientLink;
  readonly #news: RedisNews;

  constructor({ topology, prefix, timeoutMs, connectTimeoutMs, log }: RedisRecordsOptions) {
    this.#prefix = prefix;
    this.#channel = `${prefix}records`;
    const consequence = 'who is signed in gets 503 until it answers';
    const outage = new Outage({ name: topology.name, consequence, log, nowMs: clockMs });
    this.#link = new ResilientLink({ topology, timeoutMs, connectTimeoutMs, outage });
    this.#news = new RedisNews({
      topology,
      channel: this.#channel,
      timeoutMs,
      connectTimeoutMs,
      failed: (cause) => outage.failed(cause),
    });
  }

  get isLive(): boolean {
    return this.#news.isLive;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const { record } = this.#namesOf(key);
    const answer = await this.#send(record, ['HMGET', record, 'value', 'version']);
    const [value, version] = Array.isArray(answer) ? (answer as unknown[]) : [];
    return typeof value === 'string' ? { value, version: numberIn(version) } : undefined;
  }

  async create(key: string, value: string, ttlMs: number): Promise<boolean> {
    checkValue(value);
    const { record, lease } = this.#namesOf(key);
    const operands = [this.#channel, key, value, `${lifetimeMs(ttlMs)}`];
    return (await this.#write(key, SCRIPTS.create, [record, lease], operands, 'give up')) === 1;
  }

  async replace(
    key: string,
    value: string,
    ttlMs: number,
    version: number,
    fence?: number,
  ): Promise<number | undefined> {
    checkValue(value);
    const { record } = this.#namesOf(key);
    const operands = [this.#channel, key, value, `${lifetimeMs(ttlMs)}`, `${version}`, `${fence ?? ''}`];
    const answer = await this.#write(key, SCRIPTS.replace, [record], operands, 'give up');
    return answer === null ? undefined : numberIn(answer);
  }

  async touch(key: string, ttlMs: number): Promise<boolean> {
    const { record } = this.#namesOf(key);
    return (await this.#send(record, ['PEXPIRE', record, `${lifetimeMs(ttlMs)}`])) === 1;
  }

  async take(key: string): Promise<string | undefined> {
    const { record } = this.#namesOf(key);
    const answer = await this.#write(key, SCRIPTS.take, [record], [this.#channel, key], 'give up');
    return typeof answer === 'string' ? answer : undefined;
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += REMOVED_AT_ONCE)
      await Promise.all(keys.slice(at, at + REMOVED_AT_ONCE).map((key) => this.#removeOne(key)));
  }

  async addMember(set: string, member: string, ttlMs: number): Promise<number> {
    checkName(member);
    const answer = await this.#run(SCRIPTS.addMember, [this.#setName(set)], [member, `${lifetimeMs(ttlMs)}`]);
    if (answer === 0) throw new RecordsUnavailable(`a set has ${MAX_MEMBERS} members already`);
    return numberIn(answer);
  }

  async removeMember(set: string, member: string): Promise<void> {
    const name = this.#setName(set);
    await this.#send(name, ['ZREM', name, member]);
  }

  async members(set: string): Promise<readonly string[]> {
    return (await this.#run(SCRIPTS.members, [this.#setName(set)], [])) as readonly string[];
  }

  async acquire(key: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    checkName(holder);
    const { record, lease } = this.#namesOf(key);
    const answer = await this.#run(SCRIPTS.acquire, [lease, record], [holder, `${lifetimeMs(ttlMs)}`]);
    return answer === null ? undefined : { fence: numberIn(answer) };
  }

  async renew(key: string, holder: string, ttlMs: number): Promise<boolean> {
    const { lease } = this.#namesOf(key);
    return (await this.#run(SCRIPTS.renew, [lease], [holder, `${lifetimeMs(ttlMs)}`])) === 1;
  }

  async release(key: string, holder: string): Promise<void> {
    const { lease } = this.#namesOf(key);
    await this.#write(key, SCRIPTS.release, [lease], [this.#channel, key, holder], 'ask again');
  }

  onChange(listener: (key: string | undefined) => void): () => void {
    return this.#news.listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#news.close();
    this.#link.close();
  }

  async #removeOne(key: string): Promise<void> {
    const { record, lease } = this.#namesOf(key);
    await this.#write(key, SCRIPTS.remove, [record, lease], [this.#channel, key], 'ask again');
  }

  /** Own listeners are told before the call ends, whether or not it is known what became of it: what is published may come later. */
  async #write(
    key: string,
    script: Script,
    keys: readonly [string, ...string[]],
    operands: readonly string[],
    ifBroken: IfBroken,
  ): Promise<unknown> {
    try {
      return await this.#run(script, keys, operands, ifBroken);
    } finally {
      this.#news.listeners.tell(key);
    }
  }

  #run(
    script: Script,
    keys: readonly [string, ...string[]],
    operands: readonly string[],
    ifBroken: IfBroken = 'ask again',
  ): Promise<unknown> {
    const rest = [`${keys.length}`, ...keys, ...operands];
    return this.#link.ask((link) => evaluate(link, keys[0], script, rest), ifBroken);
  }

  /** A command that may be done twice. */
  #send(key: string, command: readonly string[]): Promise<unknown> {
    return this.#link.ask((link) => link.send(key, command), 'ask again');
  }

  /** The braces put a record and its lease into one slot of a cluster. Only a hash stands there: a name may come from outside. */
  #namesOf(key: string): { readonly record: string; readonly lease: string } {
    checkName(key);
    const slot = `{${digest(key)}}`;
    return { record: `${this.#prefix}record:${slot}`, lease: `${this.#prefix}lease:${slot}` };
  }

  #setName(set: string): string {
    checkName(set);
    return `${this.#prefix}set:{${digest(set)}}`;
  }
}

/** The text goes out only to a server that does not know it. */
async function evaluate(link: Link, key: string, script: Script, rest: readonly string[]): Promise<unknown> {
  try {
    return await link.send(key, ['EVALSHA', script.sha, ...rest]);
  } catch (error) {
    if (!(error instanceof ErrorReply) || !error.message.startsWith('NOSCRIPT')) throw error;
    return link.send(key, ['EVAL', script.text, ...rest]);
  }
}

/** Numbers that Lua would cut off come as text. */
function numberIn(answer: unknown): number {
  const number = Number(answer);
  if (!Number.isSafeInteger(number)) throw new RecordsUnavailable('Redis answers what makes no sense');
  return number;
}
