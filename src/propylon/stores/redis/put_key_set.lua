-- Stores a key set KEYS[3] under the next number of the epoch KEYS[1] and lists its source in KEYS[2]; answers its
-- number, or that of the set which stays because its fetch, or the drop, came after this one's fetch began.
-- ARGV: source, fetched_at, fresh_until, body, how long it stays beyond that, seconds of wall time ("" for this
-- server's TIME), "1" when there is no room for a set that is not there yet (answers 0).
local KEPT_MAX_S = 3153600000 -- a century; later than that is never asked for
local wall = tonumber(ARGV[6])
if not wall then
  local time = redis.call('TIME')
  wall = time[1] + time[2] / 1000000
end
local stored = redis.call('HMGET', KEYS[3], 'number', 'fetched_at')
if stored[1] then
  local before = tonumber(stored[2])
  if tonumber(ARGV[2]) < before and before <= wall then return tonumber(stored[1]) end
elseif ARGV[7] == '1' then
  return 0
end
local number = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[3], 'number', number, 'fetched_at', ARGV[2], 'fresh_until', ARGV[3], 'body', ARGV[4])
local left_s = math.min(math.max(ARGV[3] + ARGV[5] - wall, 1), KEPT_MAX_S)
redis.call('PEXPIRE', KEYS[3], math.ceil(left_s * 1000))
redis.call('SADD', KEYS[2], ARGV[1])
return number
