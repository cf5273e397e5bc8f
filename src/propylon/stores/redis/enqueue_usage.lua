-- Appends lines to the queue KEYS[1] (its state) and KEYS[2] (its lines, each behind its number and a blank), and drops
-- the oldest beyond the bounds.
-- ARGV: an epoch in case there is no queue yet, most lines, most bytes, the number of this call, lines.
--
-- KEYS[3] is the number of the newest call of the process that asks. One that is not above it was carried out already, or
-- was given up: its answer was late, and the process asked again.
--
-- A server that was started again or made the master may have forgotten the newest lines, which a drain may have taken.
-- It must not give their numbers again: it goes on from the microseconds of its clock, which no count of lines reaches.
-- Such a server has another replication ID than the one that appended last.
if tonumber(redis.call('GET', KEYS[3]) or 0) >= tonumber(ARGV[4]) then return end
redis.call('SET', KEYS[3], ARGV[4], 'EX', 3600)
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'next', 1, 'dropped', 0, 'bytes', 0, 'server', server)
end
local state = redis.call('HMGET', KEYS[1], 'next', 'bytes', 'server')
local number, bytes = tonumber(state[1]), tonumber(state[2])
if state[3] ~= server then
  local time = redis.call('TIME')
  number = math.max(number, time[1] * 1000000 + time[2])
end
local entries = {}
for index = 5, #ARGV do
  local entry = string.format('%.0f ', number) .. ARGV[index]
  entries[#entries + 1] = entry
  bytes = bytes + #entry
  number = number + 1
end
local length = redis.call('RPUSH', KEYS[2], unpack(entries))
local lines_max, bytes_max, dropped = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
while length - dropped > lines_max or bytes > bytes_max do
  bytes = bytes - #redis.call('LPOP', KEYS[2])
  dropped = dropped + 1
end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', number), 'bytes', bytes, 'server', server)
redis.call('HINCRBY', KEYS[1], 'dropped', dropped)
