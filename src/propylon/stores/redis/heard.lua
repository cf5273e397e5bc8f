-- The processes that were heard, KEYS[1], and what they said, KEYS[2]: of each its name, when, what; before them, now.
local time = redis.call('TIME')
local answer = { time[1] .. '.' .. string.format('%06d', time[2]) }
local heard = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for index = 1, #heard, 2 do
  answer[#answer + 1] = heard[index]
  answer[#answer + 1] = heard[index + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], heard[index]) or ''
end
return answer
