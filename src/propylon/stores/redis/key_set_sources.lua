-- The members of KEYS[1] whose set (ARGV[1] and the source are its name) is there; those that have ended are forgotten.
local found = {}
for _, source in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local key = ARGV[1] .. source
  if redis.call('HSTRLEN', key, 'body') > 0 then
    found[#found + 1] = source
  elseif redis.call('EXISTS', key) == 0 then
    redis.call('SREM', KEYS[1], source)
  end
end
return found
