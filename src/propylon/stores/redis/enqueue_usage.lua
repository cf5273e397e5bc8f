-- Appends lines to the queue KEYS[1] (its state) and KEYS[2] (its lines), and drops the oldest beyond the bounds.
-- ARGV: an epoch in case there is no queue yet, most lines, most bytes, lines.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'first', 1, 'dropped', 0, 'bytes', 0)
end
local bytes = tonumber(redis.call('HGET', KEYS[1], 'bytes'))
for index = 4, #ARGV do bytes = bytes + #ARGV[index] end
local length = redis.call('RPUSH', KEYS[2], unpack(ARGV, 4))
local lines_max, bytes_max, dropped = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
while length - dropped > lines_max or bytes > bytes_max do
  bytes = bytes - #redis.call('LPOP', KEYS[2])
  dropped = dropped + 1
end
redis.call('HSET', KEYS[1], 'bytes', bytes)
redis.call('HINCRBY', KEYS[1], 'first', dropped)
redis.call('HINCRBY', KEYS[1], 'dropped', dropped)
