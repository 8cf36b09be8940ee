--[[
Count one request against several rates at once, by the generic cell rate algorithm: all of them or
none. A key holds until when (ms) its caller has paid, and goes when that has passed.

KEYS  one for each rate: what is counted
ARGV  for each rate: ms between two requests, ms that a caller may be ahead
Reply {0} taken and counted; {n, ms} rate n is exhausted for so long, nothing was counted
Example  EVALSHA … 2 {public}:address:10.0.0.1 {public}:customer:… 3000 57000 12000 48000
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local paid = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  paid[i] = math.max(tonumber(paid[i] or 0), now)
  local ahead = paid[i] - now - tonumber(ARGV[2 * i])
  -- A clock that was put back must not lock anybody out for as long.
  if paid[i] - now > ARGV[2 * i] + ARGV[2 * i - 1] then paid[i] = now; ahead = 0 end
  if ahead > 0 then return {i, ahead} end
end
for i = 1, #KEYS do
  local until_ms = paid[i] + tonumber(ARGV[2 * i - 1])
  redis.call('SET', KEYS[i], string.format('%.0f', until_ms), 'PX', math.max(1, math.ceil(until_ms - now)))
end
return {0}
