#!lua flags=allow-oom
-- Removes lines with numbers below ARGV[2], if the queue has the epoch ARGV[1]; at most ARGV[3] of them.
-- Answers whether there may be more. Also when memory is full, as this is what empties it.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'bytes')
if state[1] ~= ARGV[1] then return 0 end
local upto, left, bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(state[2])
while left > 0 do
  local entry = redis.call('LINDEX', KEYS[2], 0)
  if not entry or tonumber(string.match(entry, '^%d+')) >= upto then break end
  redis.call('LPOP', KEYS[2])
  bytes, left = bytes - #entry, left - 1
end
redis.call('HSET', KEYS[1], 'bytes', bytes)
return left == 0 and 1 or 0
