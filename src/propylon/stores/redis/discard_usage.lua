#!lua flags=allow-oom
-- Removes lines with numbers below ARGV[2], if the queue has the epoch ARGV[1]; at most ARGV[3] of them.
-- Answers whether there are more. Also when memory is full, as this is what empties it.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'first', 'bytes')
if state[1] ~= ARGV[1] then return 0 end
local wanted = math.min(tonumber(ARGV[2]) - state[2], redis.call('LLEN', KEYS[2]))
local count, bytes = math.min(wanted, tonumber(ARGV[3])), tonumber(state[3])
if count <= 0 then return 0 end
for _ = 1, count do bytes = bytes - #redis.call('LPOP', KEYS[2]) end
redis.call('HSET', KEYS[1], 'bytes', bytes)
redis.call('HINCRBY', KEYS[1], 'first', count)
return wanted > count and 1 or 0
