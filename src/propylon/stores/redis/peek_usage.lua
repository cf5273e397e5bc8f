#!lua flags=allow-oom
-- The oldest lines of the queue KEYS[1] (its state) and KEYS[2] (its lines): epoch, number of the first, dropped, lines,
-- and how many there are.
-- ARGV: an epoch in case there is no queue yet, most lines, most bytes; at least one line.
-- Also when memory is full, as draining is what empties it.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'first', 1, 'dropped', 0, 'bytes', 0)
end
local state = redis.call('HMGET', KEYS[1], 'epoch', 'first', 'dropped')
local limit, bytes, lines = tonumber(ARGV[2]), tonumber(ARGV[3]), {}
while #lines < limit do
  local line = redis.call('LINDEX', KEYS[2], #lines)
  if not line or (#lines > 0 and #line > bytes) then break end
  bytes = bytes - #line
  lines[#lines + 1] = line
end
state[4] = lines
state[5] = redis.call('LLEN', KEYS[2])
return state
