-- Decides the charges of one batch, in turn and each all or nothing: a charge looks at all of its meters before it
-- moves any, and the server's memory is written once, at the end.
--
-- KEYS[1] head, then each meter of the batch once
-- ARGV[1] monotonic and ARGV[2] wall time in microseconds, "" for this server's own TIME, which serves as both
-- ARGV[3] doubles: of each charge how many claims it has, and of each claim kind, limit and period in microseconds
-- ARGV[4] 16-bit numbers: of each charge whether it counts (0: it is only judged), and of each claim its place in KEYS
-- ARGV[5] "1" when there is no room for a meter that is not there yet
--
-- Answers head, a list of the claims (numbered through the batch, from 0) whose meter was emptied, and of each charge:
-- the claim that refuses (-1 none, -2 no room), and of each claim how much is used and its reset: of a quota the moment
-- it renews, of a window the wait, in microseconds.
--
-- Numbers are doubles, exact up to 2^53. Hence microseconds: they reach it in the year 2255, nanoseconds in April 1970.
-- What a window and a quota mean is said in lmdb_windows.py and lmdb_quotas.py; a value is
--     window   kind, period, part, used (of all 17 parts), running; if sliding, 16 whole parts, newest first
--     quota    used, renews (0 = never), period (-1 = not known)

local SLIDING, FIXED, QUOTA = 0, 1, 2
local PARTS, COUNTER_BYTES = 16, 4
local WHOLE_BYTES = PARTS * COUNTER_BYTES
local NO_PARTS = string.rep('\0', WHOLE_BYTES)
local WINDOW, WINDOW_BYTES = '<BddI4I4', 25
local IDLE_MIN_US = 10000000

local monotonic_us, wall_us = tonumber(ARGV[1]), tonumber(ARGV[2])
if not wall_us then
  local time = redis.call('TIME')
  wall_us = time[1] * 1000000 + time[2]
  monotonic_us = wall_us
end

local function read(kind, value)
  if kind == QUOTA then
    local used, renews, period = struct.unpack('<ddd', value)
    return {used = used, renews = renews, period = period}
  end
  local of_kind, period, part, used, running = struct.unpack(WINDOW, value)
  return {kind = of_kind, period = period, part = part, used = used, running = running,
          whole = string.sub(value, WINDOW_BYTES + 1)}
end

-- `seen`: a meter as the clock finds it, a copy; and whether it was emptied for being ahead of the clock.
local seen = {}

seen[SLIDING] = function(stored, period)
  local part = math.floor(monotonic_us / math.ceil(period / PARTS))
  local window = {kind = SLIDING, period = period, part = part, used = 0, running = 0, whole = NO_PARTS}
  if not stored or stored.kind ~= SLIDING or stored.period ~= period then return window, false end
  local steps = part - stored.part
  if steps > PARTS then return window, false end
  if steps < -PARTS then return window, true end
  window.used = stored.used
  if steps <= 0 then
    window.part, window.running, window.whole = stored.part, stored.running, stored.whole
    return window, false
  end
  local kept = (PARTS - steps) * COUNTER_BYTES
  for at = kept + 1, WHOLE_BYTES, COUNTER_BYTES do
    window.used = window.used - struct.unpack('<I4', stored.whole, at)
  end
  window.whole = string.rep('\0', (steps - 1) * COUNTER_BYTES) .. struct.pack('<I4', stored.running)
      .. string.sub(stored.whole, 1, kept)
  return window, false
end

seen[FIXED] = function(stored, period)
  local part = math.floor(wall_us / period)
  local window = {kind = FIXED, period = period, part = part, used = 0, running = 0, whole = ''}
  if not stored or stored.kind ~= FIXED or stored.period ~= period or stored.part < part then return window, false end
  if stored.part > part + 1 then return window, true end
  window.part, window.used = stored.part, stored.used
  return window, false
end

local function end_moved(stored, period)
  if period == 0 then return 0 end
  if stored.renews == 0 then return wall_us + period end
  if stored.period < 0 then return math.min(stored.renews, wall_us + period) end
  return stored.renews - stored.period + period
end

seen[QUOTA] = function(stored, period)
  local quota = {used = 0, renews = period > 0 and wall_us + period or 0, period = period}
  if not stored then return quota, false end
  local renews = stored.renews
  if stored.period ~= period then renews = end_moved(stored, period) end
  if renews > wall_us + 2 * period then return quota, true end
  if renews == 0 or renews > wall_us then quota.used, quota.renews = stored.used, renews end
  return quota, false
end

-- Until enough parts have left, oldest first, for one charge to fit.
local function wait_us(window, limit)
  if window.kind == FIXED then return (window.part + 1) * window.period - wall_us end
  local used, age = window.used, PARTS
  while age > 0 do
    used = used - struct.unpack('<I4', window.whole, (age - 1) * COUNTER_BYTES + 1)
    if used < limit then break end
    age = age - 1
  end
  return (window.part - age + PARTS + 1) * math.ceil(window.period / PARTS) - monotonic_us
end

local function reset_us(kind, meter, limit)
  if kind == QUOTA then return meter.renews end
  if meter.used < limit then return 0 end
  return wait_us(meter, limit)
end

-- When nobody would miss it any more; nil for a quota that never renews.
local function left_us(meter)
  if meter.renews == 0 then return nil end
  if meter.renews then return meter.renews - wall_us + IDLE_MIN_US end
  local idle = math.max(2 * meter.period, IDLE_MIN_US)
  if meter.kind == FIXED then return (meter.part + 1) * meter.period - wall_us + idle end
  return (meter.part + 1) * math.ceil(meter.period / PARTS) - monotonic_us + idle
end

local function write(key, meter)
  local value
  if meter.renews then
    value = struct.pack('<ddd', meter.used, meter.renews, meter.period)
  else
    value = struct.pack(WINDOW, meter.kind, meter.period, meter.part, meter.used, meter.running) .. meter.whole
  end
  local left = left_us(meter)
  if left then
    redis.call('SET', key, value, 'PX', math.ceil(left / 1000))
  else
    redis.call('SET', key, value)
  end
end

local values = redis.call('MGET', unpack(KEYS))
local meters, moved, emptied = {}, {}, {}
local answer = {values[1] or '0', emptied}
local terms, places = ARGV[3], ARGV[4]
local is_full = ARGV[5] == '1'
local term_at, place_at, number = 1, 1, 0

local function next_claim()
  local claim = {}
  claim.index, place_at = struct.unpack('<H', places, place_at)
  claim.kind, claim.limit, claim.period, term_at = struct.unpack('<ddd', terms, term_at)
  local stored = meters[claim.index]
  if not stored and values[claim.index] then
    stored = read(claim.kind, values[claim.index])
    meters[claim.index] = stored
  end
  claim.is_new = not stored
  claim.meter, claim.emptied = seen[claim.kind](stored, claim.period)
  return claim
end

while term_at <= #terms do
  local count, counts
  count, term_at = struct.unpack('<d', terms, term_at)
  counts, place_at = struct.unpack('<H', places, place_at)
  local claims, refused, is_new = {}, -1, false
  for index = 1, count do
    local claim = next_claim()
    claims[index] = claim
    is_new = is_new or claim.is_new
    if refused == -1 and claim.meter.used >= claim.limit then refused = index - 1 end
  end
  if refused == -1 and is_full and is_new and counts == 1 then refused = -2 end
  answer[#answer + 1] = refused
  for _, claim in ipairs(claims) do
    local meter = claim.meter
    if refused == -1 then
      meter.used = meter.used + 1
      if meter.running then meter.running = meter.running + 1 end
      if counts == 1 then
        meters[claim.index], moved[claim.index] = meter, true
        if claim.emptied then emptied[#emptied + 1] = number end
      end
    end
    answer[#answer + 1] = meter.used
    answer[#answer + 1] = reset_us(claim.kind, meter, claim.limit)
    number = number + 1
  end
end

for index in pairs(moved) do write(KEYS[index], meters[index]) end
return answer
