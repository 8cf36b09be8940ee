--[[
Put units on sale that a sale was given after its counters were opened. Says how many it has had in
all, not how many more: a message that is repeated, or late, changes nothing.

KEYS  1 config hash
      2 stock  hash   <allocation> = units available, <allocation>:a = units ever allocated
ARGV  1 epoch expected by the caller   2 number of allocations n, then n times: allocation, units allocated
Reply {-1} no counters here, or none of an allocation; {-2, epoch} counters of another epoch; {units put on sale}
Example  EVALSHA … 2 {sale:7}:config {sale:7}:stock 1 1 12 600
]]
local config = redis.call('HGET', KEYS[1], 'epoch')
if not config then return {-1} end
if config ~= ARGV[1] then return {-2, config} end

local more, units = {}, 0
for i = 3, 2 + 2 * tonumber(ARGV[2]), 2 do
  local allocation, total = ARGV[i], tonumber(ARGV[i + 1])
  local stock = redis.call('HMGET', KEYS[2], allocation, allocation .. ':a')
  if not stock[1] then return {-1} end
  -- Counters that an earlier version has opened do not say what they had: they take the given total.
  local known = tonumber(stock[2])
  if not known or total > known then
    more[#more + 1] = {allocation, total - (known or total), total}
  end
end
for _, line in ipairs(more) do
  redis.call('HINCRBY', KEYS[2], line[1], line[2])
  redis.call('HSET', KEYS[2], line[1] .. ':a', line[3])
  units = units + line[2]
end
return {units}
