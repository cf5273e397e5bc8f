-- 1 if the name KEYS[1] is not in use; then it is, until ARGV[1] (a double, Unix seconds), unless ARGV[3] is "0".
-- ARGV[2]: seconds of wall time, "" for this server's TIME.
local KEPT_MAX_S = 3153600000 -- a century; what ends later never does
local wall = tonumber(ARGV[2])
if not wall then
  local time = redis.call('TIME')
  wall = time[1] + time[2] / 1000000
end
local until_at = struct.unpack('<d', ARGV[1])
if until_at <= wall then return 0 end
local stored = redis.call('GET', KEYS[1])
if stored and struct.unpack('<d', stored) > wall then return 0 end
if ARGV[3] == '0' then return 1 end
if until_at - wall > KEPT_MAX_S then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', math.ceil((until_at - wall) * 1000) + 10000)
end
return 1
