--[[
Tell which requests are on record, accepted or refused. Writes nothing.

KEYS  1 requests hash   2 refusals hash   3 refusals hash
ARGV  1 digests of requests, 16 bytes each, one after the other; at most 1,000
Reply the places of those that are on record, counted from 0, in any order, some perhaps twice
Example  EVALSHA … 3 {sale:7}:requests {sale:7}:refusals:0 {sale:7}:refusals:1 <digests>
]]
local digests, found = {}, {}
for at = 1, #ARGV[1], 16 do digests[#digests + 1] = string.sub(ARGV[1], at, at + 15) end
for _, key in ipairs(KEYS) do
  local records = redis.call('HMGET', key, unpack(digests))
  for i = 1, #digests do
    if records[i] then found[#found + 1] = i - 1 end
  end
end
return found
