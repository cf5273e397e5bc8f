#!lua flags=allow-oom
-- head := max(head, ARGV[1]); answers the head that stands. Also when memory is full: a revocation must get through.
local head = redis.call('GET', KEYS[1])
if head and tonumber(head) >= tonumber(ARGV[1]) then return head end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
