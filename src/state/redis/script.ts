import { hash } from 'node:crypto';
import { MAX_COUNT, MAX_EXACT } from '../exactness.ts';

/** A Lua script, and what Redis calls it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** How long something under way counts when nobody says that it goes on: its node may have died. */
export const LEASE_MS = 30_000;

/**
 * Sets `now`, whole milliseconds on the clock of Redis, so that nodes need not agree on the time; and `spare`, how much longer a key is
 * kept than it has to be.
 */
const CLOCK = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local spare = 1000`;

/** How long the count of a period is kept after it has ended: clocks of nodes and of Redis may differ. */
const SPARE_PERIOD_MS = 86_400_000;

/**
 * Decisions in turn, each whole or not at all. KEYS are those of their charges, no two alike. ARGV is `ask`; `force` to take whether there is
 * room or not; `look` to take nothing; or `reset` to forget those with units, and take nothing. Then for each charge: algorithm, quota, window,
 * burst, and units; of concurrency the ticket in place of units, of a period its start and end in place of window and burst. Fewer units than
 * none give back, of a period only while it is that one that runs. Last for each turn: how many charges it has, and `refuse`, `pass` or `wait`
 * as `IfFull` says. None of these: all are one turn, which refuses.
 *
 * Answers for each turn that was asked: 1 where it had room, else 0, and for each charge what is counted then, whole numbers as `findings.ts`
 * takes them: of gcra what is owed, of a sliding window both counts and what is left of the window, of concurrency how many are under way, of a
 * period start, end and units.
 *
 * What does not look like a count is none: nothing but this script writes here.
 */
const DECISION = `
local function get(key, pattern)
  return string.match(redis.call('GET', key) or '', pattern)
end

local function put(key, text, ttl)
  redis.call('SET', key, text, 'PX', string.format('%.0f', math.ceil(ttl) + spare))
end

local algorithms = {}

-- What is missing to the whole burst, in units times the window, and since when that was so.
algorithms.gcra = {
  look = function (charge)
    local owed, since = get(charge.key, '^(%d+) (%d+)$')
    charge.owed = 0
    if owed then charge.owed = math.max(0, owed - math.max(0, now - since) * charge.quota) end
    return charge.owed + (charge.units - charge.burst) * charge.window <= 0
  end,
  take = function (charge)
    charge.owed = math.min(${MAX_EXACT}, math.max(0, charge.owed + charge.units * charge.window))
    put(charge.key, string.format('%.0f %.0f', charge.owed, now), charge.owed / charge.quota)
  end,
  tell = function (charge, answer)
    answer[#answer + 1] = charge.owed
  end
}

-- Start of the window that runs, units in it, units in the one before. Windows begin at multiples of their length.
algorithms['sliding-window'] = {
  look = function (charge)
    local window = charge.window
    local start, current, previous = now - now % window, 0, 0
    local began, newer, older = get(charge.key, '^(%d+) (%d+) (%d+)$')
    if began then
      began = tonumber(began)
      if began >= start then
        start, current, previous = began, tonumber(newer), tonumber(older)
      elseif began == start - window then
        previous = tonumber(newer)
      end
    end
    charge.start, charge.current, charge.previous = start, current, previous
    charge.left = start + window - math.max(start, now)
    return charge.units * window <= (charge.quota - current) * window - previous * charge.left
  end,
  take = function (charge)
    charge.current = math.min(${MAX_COUNT}, math.max(0, charge.current + charge.units))
    put(
      charge.key,
      string.format('%.0f %.0f %.0f', charge.start, charge.current, charge.previous),
      charge.start + 2 * charge.window - now
    )
  end,
  tell = function (charge, answer)
    answer[#answer + 1] = charge.current
    answer[#answer + 1] = charge.previous
    answer[#answer + 1] = charge.left
  end
}

-- A sorted set of tickets by when their leases end.
algorithms.concurrency = {
  look = function (charge)
    redis.call('ZREMRANGEBYSCORE', charge.key, '-inf', now)
    charge.count = redis.call('ZCARD', charge.key)
    return charge.count < charge.quota
  end,
  take = function (charge)
    charge.count = charge.count + redis.call('ZADD', charge.key, now + ${LEASE_MS}, charge.ticket)
    redis.call('PEXPIRE', charge.key, ${LEASE_MS} + spare)
  end,
  tell = function (charge, answer)
    answer[#answer + 1] = charge.count
  end
}

-- A day or month of the calendar: start, end, units in it. Nodes tell which one runs, and the first that is in a new one begins it for all.
algorithms.period = {
  look = function (charge)
    local start, ends, used = get(charge.key, '^(%d+) (%d+) (%d+)$')
    charge.start, charge.ends, charge.used = tonumber(start) or 0, tonumber(ends) or 0, tonumber(used) or 0
    if charge.window >= charge.ends then
      charge.start, charge.ends, charge.used = charge.window, charge.burst, 0
    end
    return charge.used + charge.units <= charge.quota
  end,
  take = function (charge)
    if charge.units < 0 and charge.start ~= charge.window then return end
    charge.used = math.max(0, charge.used + charge.units)
    redis.call(
      'SET', charge.key, string.format('%.0f %.0f %.0f', charge.start, charge.ends, charge.used),
      'PXAT', string.format('%.0f', charge.ends + ${SPARE_PERIOD_MS})
    )
  end,
  tell = function (charge, answer)
    answer[#answer + 1] = charge.start
    answer[#answer + 1] = charge.ends
    answer[#answer + 1] = charge.used
  end
}

local op = ARGV[1]

local function look(i)
  local at = 5 * i - 3
  local charge = {
    key = KEYS[i],
    quota = tonumber(ARGV[at + 1]),
    window = tonumber(ARGV[at + 2]),
    burst = tonumber(ARGV[at + 3]),
    units = tonumber(ARGV[at + 4]),
    ticket = ARGV[at + 4],
    algorithm = algorithms[ARGV[at]]
  }
  if op == 'reset' and charge.units > 0 then redis.call('DEL', charge.key) end
  charge.room = charge.algorithm.look(charge)
  return charge
end

local turns = {}
local refused = false
local first = 1
local at = 5 * #KEYS + 2
local goes_on
repeat
  local turn = { room = true }
  local size = tonumber(ARGV[at]) or #KEYS
  local if_full = ARGV[at + 1] or 'refuse'
  for i = first, first + size - 1 do
    local charge = look(i)
    if not charge.room then turn.room = false end
    turn[#turn + 1] = charge
  end
  turns[#turns + 1] = turn
  refused = not turn.room and if_full == 'refuse'
  goes_on = turn.room or if_full == 'pass'
  first = first + size
  at = at + 2
until first > #KEYS or not goes_on

local answer = {}
for _, turn in ipairs(turns) do
  local room = op == 'force' or (op == 'ask' and turn.room)
  local takes = room and (op == 'force' or not refused)
  answer[#answer + 1] = room and 1 or 0
  for _, charge in ipairs(turn) do
    if takes then charge.algorithm.take(charge) end
    charge.algorithm.tell(charge, answer)
  end
end
return answer`;

/** `clock` is Lua that sets `now` and `spare`; tests have one that they move. */
export function decisionScript(clock: string = CLOCK): Script {
  const text = `${clock.trim()}\n${DECISION}`;
  return { text, sha: hash('sha1', text) };
}
