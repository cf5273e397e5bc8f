#!lua flags=allow-oom
-- The oldest lines of the queue KEYS[1] (its state) and KEYS[2] (its lines) whose numbers have no gap between them:
-- epoch, number of the first, dropped, lines, and how many there are in the queue.
-- ARGV: an epoch in case there is no queue yet, most lines, most bytes; at least one line.
-- Also when memory is full, as draining is what empties it.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'next', 1, 'dropped', 0, 'bytes', 0, 'server', server)
end
local state = redis.call('HMGET', KEYS[1], 'epoch', 'next', 'dropped')
local first, limit, bytes, lines = state[2], tonumber(ARGV[2]), tonumber(ARGV[3]), {}
while #lines < limit do
  local entry = redis.call('LINDEX', KEYS[2], #lines)
  if not entry or (#lines > 0 and #entry > bytes) then break end
  local blank = string.find(entry, ' ', 1, true)
  local number = string.sub(entry, 1, blank - 1)
  if #lines == 0 then first = number elseif tonumber(number) ~= first + #lines then break end
  bytes = bytes - #entry
  lines[#lines + 1] = string.sub(entry, blank + 1)
end
return {state[1], first, state[3], lines, redis.call('LLEN', KEYS[2])}
