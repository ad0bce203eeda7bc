import { hash } from 'node:crypto';
import type { Script } from '../../redis/script.ts';
import { MAX_MEMBERS } from '../checks.ts';

/**
 * Sets `now`, microseconds on the clock of Redis, so that nodes need not agree on the time. Versions and fences are made of it, so that one that was
 * given to a record that is gone, or by a Redis that forgot all, is not given again.
 */
const CLOCK = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function above(last) return string.format('%.0f', math.max(last + 1, now)) end`;

/** KEYS: record, lease. ARGV: channel, key as it is told of, value, lifetime. */
const CREATE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local fence = redis.call('HGET', KEYS[2], 'fence') or '0'
redis.call('HSET', KEYS[1], 'value', ARGV[3], 'version', above(0), 'fence', fence)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1`;

/** As CREATE, and: version, fence or nothing. Answers the new version. */
const REPLACE = `
local known = redis.call('HMGET', KEYS[1], 'version', 'fence')
if known[1] ~= ARGV[5] then return false end
if ARGV[6] ~= '' and tonumber(ARGV[6]) < tonumber(known[2]) then return false end
local version = above(tonumber(known[1]))
redis.call('HSET', KEYS[1], 'value', ARGV[3], 'version', version)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return version`;

/** KEYS: record. ARGV: channel, key. */
const TAKE = `
local value = redis.call('HGET', KEYS[1], 'value')
if not value then return false end
redis.call('UNLINK', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return value`;

/** KEYS: record, lease. ARGV: channel, key. Told of even where nothing is left: who asks twice may not have been told the first time. */
const REMOVE = `
redis.call('UNLINK', KEYS[1], KEYS[2])
return redis.call('PUBLISH', ARGV[1], ARGV[2])`;

/** KEYS: set, sorted by when its members end. ARGV: member, lifetime. Answers how many there are, 0 where there is no room. */
const ADD_MEMBER = `
local ms = math.floor(now / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms)
local isNew = not redis.call('ZSCORE', KEYS[1], ARGV[1])
if isNew and redis.call('ZCARD', KEYS[1]) >= ${MAX_MEMBERS} then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', ms + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('ZCARD', KEYS[1])`;

/** KEYS: set. */
const MEMBERS = `
local ms = string.format('(%.0f', math.floor(now / 1000))
return redis.call('ZRANGEBYSCORE', KEYS[1], ms, '+inf', 'LIMIT', 0, ${MAX_MEMBERS})`;

/** KEYS: lease, record. ARGV: holder, lifetime. Answers the fence, which the record remembers for as long as it lives. */
const ACQUIRE = `
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return redis.call('HGET', KEYS[1], 'fence')
end
if holder then return false end
local last = redis.call('HGET', KEYS[2], 'fence')
local fence = above(tonumber(last or '0'))
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'fence', fence)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if last then redis.call('HSET', KEYS[2], 'fence', fence) end
return fence`;

/** KEYS: lease. ARGV: holder, lifetime. */
const RENEW = `
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

/** KEYS: lease. ARGV: channel, key, holder. */
const RELEASE = `
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[3] then return 0 end
redis.call('UNLINK', KEYS[1])
return redis.call('PUBLISH', ARGV[1], ARGV[2])`;

function script(body: string): Script {
  const text = body.trim();
  return { text, sha: hash('sha1', text) };
}

/** One step each, on keys that share a slot of a cluster. Every key that they write has a lifetime. */
export const SCRIPTS = {
  create: script(CLOCK + CREATE),
  replace: script(CLOCK + REPLACE),
  take: script(TAKE),
  remove: script(REMOVE),
  addMember: script(CLOCK + ADD_MEMBER),
  members: script(CLOCK + MEMBERS),
  acquire: script(CLOCK + ACQUIRE),
  renew: script(RENEW),
  release: script(RELEASE),
} as const;
