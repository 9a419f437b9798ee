-- Reserves slots of every key at once. Times are microseconds of the server's clock; GCRA as in dispatcher/limiter.py,
-- its twin, but for what only several processes need: presence, and the three ways to lose one's memory.
--
-- KEYS  1: the processes present; 2…: the limits, the broadest first
-- ARGV  1: asked at (0: not known) · 2: process · 3: of how many processes · 4: leeway · 5: horizon · 6: lease · 7: guard
--       8: headroom · then rate, burst, known for each limit · then the costs
-- Gives {now, ask again in, {slot…}, {next of each limit…}}, or {now, -1, {}, {}} to a question that was too long on the way.

local asked_at, process, processes = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local leeway, horizon, lease, guard = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local headroom = tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Its process may have given us up by now, and be calling from its own share.
if asked_at > 0 and now - asked_at > guard then
  return {now, -1, {}, {}}
end

-- Who is not here may be calling from a share of its own: only the shares of those present are given out.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + lease), process)
redis.call('PEXPIRE', KEYS[1], 1000)
local present = redis.call('ZCARD', KEYS[1])

local function share(rate)
  if present >= processes then
    return rate
  end
  local even = rate * present / processes
  return even >= 1 and math.floor(even) or even
end

local function remembered(key, known)
  local value = redis.call('GET', key)
  if not value then
    return nil
  end
  local next, written_at = string.match(value, '^(%S+) (%S+)$')
  local lost = tonumber(written_at) > now or (known ~= '' and tonumber(next) < tonumber(known))
  return not lost and tonumber(next) or nil
end

local function limit(key, rate, burst, known)
  local interval = 1000000 / (share(rate) * headroom)
  local empty = now + burst * interval
  local next = remembered(key, known)
  if not next then
    -- What was reserved before the memory was lost is over by the horizon.
    next = empty + horizon
  elseif known == '' then
    -- Whoever is new here may have called elsewhere until now: nobody's idleness is credited.
    next = math.max(next, empty)
  end
  return {key = key, interval = interval, burst = burst, next = next}
end

local function first_slot(limits, cost)
  local slot, slowest, idle = now, 0, 0
  for _, each in ipairs(limits) do
    each.free = math.max(now, each.next - (math.max(each.burst, cost) - cost) * each.interval)
    slot = math.max(slot, each.free)
  end
  for _, each in ipairs(limits) do
    if each.free == slot then
      slowest = math.max(slowest, each.interval)
    end
  end
  for _, each in ipairs(limits) do
    if each.interval < slowest then
      idle = math.max(idle, slot - each.free)
    end
  end
  return slot, math.max(0, slot - now - horizon, idle - leeway)
end

local limits, at = {}, 9
for number = 2, #KEYS do
  limits[number - 1] = limit(KEYS[number], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2])
  at = at + 3
end

local slots, again_in = {}, 0
for number = at, #ARGV do
  local cost = tonumber(ARGV[number])
  local slot
  slot, again_in = first_slot(limits, cost)
  if again_in > 0 then
    break
  end
  for _, each in ipairs(limits) do
    each.next = math.max(each.next, slot - leeway) + cost * each.interval
  end
  slots[#slots + 1] = slot
end

local nexts = {}
for number, each in ipairs(limits) do
  nexts[number] = string.format('%.0f', math.ceil(each.next))
  redis.call('SET', each.key, nexts[number] .. ' ' .. string.format('%.0f', now), 'PX', 3600000)
end
return {now, math.ceil(again_in), slots, nexts}
