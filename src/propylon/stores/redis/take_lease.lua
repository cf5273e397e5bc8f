-- 1 if the lease KEYS[1] is free, and then it is taken for ARGV[1] seconds. ARGV[2]: seconds of wall time, "" for this
-- server's TIME. One taken in the future counts as free: the clock was wrong then.
local wall = tonumber(ARGV[2])
if not wall then
  local time = redis.call('TIME')
  wall = time[1] + time[2] / 1000000
end
local stored = redis.call('GET', KEYS[1])
if stored then
  local taken_at, until_at = struct.unpack('<dd', stored)
  if taken_at <= wall and wall < until_at then return 0 end
end
local value = struct.pack('<dd', wall, wall + ARGV[1])
redis.call('SET', KEYS[1], value, 'PX', math.ceil(ARGV[1] * 1000) + 10000)
return 1
