#!lua flags=allow-oom
-- Empties the key set KEYS[2] and moves the epoch KEYS[1]. A row without a body stays for ARGV[1] seconds, so that a
-- fetch begun before this brings no set back, nor the first one there. ARGV[2]: seconds of wall time, "" for this
-- server's TIME. Also when memory is full: a withdrawn key must not go on verifying.
local wall = ARGV[2]
if wall == '' then
  local time = redis.call('TIME')
  wall = time[1] .. '.' .. string.format('%06d', time[2])
end
local number = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], 'number', number, 'fetched_at', wall, 'fresh_until', wall, 'body', '')
redis.call('PEXPIRE', KEYS[2], ARGV[1] * 1000)
