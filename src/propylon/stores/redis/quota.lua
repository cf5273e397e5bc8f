-- A quota as it stands at ARGV[1], microseconds of wall time ("" for this server's TIME): used and the moment it
-- renews, or nothing when it is over.
local value = redis.call('GET', KEYS[1])
if not value then return nil end
local wall_us = tonumber(ARGV[1])
if not wall_us then
  local time = redis.call('TIME')
  wall_us = time[1] * 1000000 + time[2]
end
local used, renews = struct.unpack('<dd', value)
if renews ~= 0 and renews <= wall_us then return nil end
return {used, renews}
