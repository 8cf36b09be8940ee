--[[
Take entries that are persisted (or in the dead letters) out of the outbox.

KEYS  1 outbox stream   2 pending hash
ARGV  1 consumer group   2 number of entries n, then n entry ids, then the order ids to forget
Reply entries left in the outbox
Example  EVALSHA … 2 {sale:7}:outbox {sale:7}:pending persist 1 1700000000000-0 <order id>
]]
local ids, orders = {}, {}
local count = tonumber(ARGV[2])
for i = 3, 2 + count do ids[#ids + 1] = ARGV[i] end
for i = 3 + count, #ARGV do orders[#orders + 1] = ARGV[i] end
if #ids > 0 then
  redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
  redis.call('XDEL', KEYS[1], unpack(ids))
end
if #orders > 0 then redis.call('HDEL', KEYS[2], unpack(orders)) end
return redis.call('XLEN', KEYS[1])
