import { hash } from 'node:crypto';
import type { Script } from '../redis/script.ts';

/** How long a record is kept after its last period has ended: clocks of nodes and of Redis may differ. */
const SPARE_MS = 86_400_000;

/**
 * One record, under one key: start, end and units of each kind of period, as `PERS`. ARGV is `take`, then limit, start and end of each kind, 0 for
 * none; `read`; or `reset`, then 1 for each kind that begins anew, else 0. Answers 1 where everything was taken, else 0, then the record.
 *
 * Which period runs is told by nodes: the first that is in a new one begins it for all. What does not look like a record is none.
 */
const SCRIPT = `
local KINDS = 2
local record = {}
local text = redis.call('GET', KEYS[1]) or ''
for number in string.gmatch(text, '%d+') do record[#record + 1] = tonumber(number) end
if #record ~= 3 * KINDS then
  for i = 1, 3 * KINDS do record[i] = 0 end
end
local op = ARGV[1]
local taken = 0

local function save()
  local last = 0
  local parts = {}
  for i = 1, 3 * KINDS do parts[i] = string.format('%.0f', record[i]) end
  for kind = 1, KINDS do last = math.max(last, record[3 * kind - 1]) end
  if last == 0 then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], table.concat(parts, ' '), 'PXAT', string.format('%.0f', last + ${SPARE_MS}))
  end
end

if op == 'take' then
  local room = true
  for kind = 1, KINDS do
    local at = 3 * kind - 2
    local limit, start, ends = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    if limit > 0 then
      if start >= record[at + 1] then record[at], record[at + 1], record[at + 2] = start, ends, 0 end
      if record[at + 2] >= limit then room = false end
    end
  end
  if room then
    taken = 1
    for kind = 1, KINDS do
      local at = 3 * kind - 2
      if tonumber(ARGV[at + 1]) > 0 then record[at + 2] = record[at + 2] + 1 end
    end
    save()
  end
elseif op == 'reset' then
  for kind = 1, KINDS do
    local at = 3 * kind - 2
    if ARGV[kind + 1] == '1' then record[at], record[at + 1], record[at + 2] = 0, 0, 0 end
  end
  save()
end
local answer = { taken }
for i = 1, 3 * KINDS do answer[i + 1] = record[i] end
return answer`.trim();

export function quotaScript(): Script {
  return { text: SCRIPT, sha: hash('sha1', SCRIPT) };
}
