#!lua flags=allow-oom
-- Notes that the process ARGV[1] lives and what it said, ARGV[2]; forgets those not heard for ARGV[3] seconds.
-- Its node ARGV[4], unless that is empty, takes traffic: answers how many such nodes were heard within ARGV[5] seconds.
-- Also when memory is full: a node that is not heard counts as dead.
-- KEYS: nodes that take traffic, and processes, each by when they were heard by this server's TIME; what processes said.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if ARGV[4] ~= '' then redis.call('ZADD', KEYS[1], now, ARGV[4]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[5]))
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. (now - ARGV[3]), 'LIMIT', 0, 10)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[3], gone)
end
return redis.call('ZCARD', KEYS[1])
