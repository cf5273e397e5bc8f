-- Puts back the quotas KEYS that are missing; ARGV[1] doubles: of each how much is used and when it renews, in
-- microseconds of wall time. Answers how many were missing.
--
-- A day is added to how long they stay, as nobody says which clock their end was reckoned with.
local KEPT_US, UNKNOWN = 86400000000, -1
local time = redis.call('TIME')
local wall_us = time[1] * 1000000 + time[2]
local missing = 0
for index, key in ipairs(KEYS) do
  local used, renews = struct.unpack('<dd', ARGV[1], (index - 1) * 16 + 1)
  local value = struct.pack('<ddd', used, renews, UNKNOWN)
  local done
  if renews == 0 then
    done = redis.call('SET', key, value, 'NX')
  else
    done = redis.call('SET', key, value, 'NX', 'PX', math.ceil((math.max(renews - wall_us, 0) + KEPT_US) / 1000))
  end
  if done then missing = missing + 1 end
end
return missing
