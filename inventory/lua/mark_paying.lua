--[[
Mark orders of a sale as being paid. A mark that is too old goes, and the key with the last of them; so
does one that a clock which was put back has made too new.

KEYS  1 marks: a sorted set, by the time of marking (ms)
ARGV  1 how long a mark is kept, ms   2 the most marks   3… members: the order's id (16 bytes) and more
Reply how many of the members are marked: the first ones
Example  EVALSHA … 1 {sale:7}:paying 60000 20000 <24 bytes> <24 bytes>
]]
local time = redis.call('TIME')
local now, kept = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now - kept)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now + kept, '+inf')
local room = math.max(0, tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1]))
local count = math.min(#ARGV - 2, room)
for i = 3, 2 + count do redis.call('ZADD', KEYS[1], now, ARGV[i]) end
if count > 0 then redis.call('PEXPIRE', KEYS[1], kept) end
return count
