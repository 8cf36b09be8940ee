--[[
Give back what orders of one sale had taken: stock, and the customer's share of the limit. Idempotent
by order id: an order that was released before keeps its place in the sale's sequence of releases,
and nothing moves. That sequence is what reconciliation uses as its watermark for releases.

KEYS  1 config    hash
      2 stock     hash   <allocation> available, <allocation>:r units ever released, releases
      3 limits    hash   <customer> = units taken
      4 released  hash   <order id> = place in the sequence of releases
ARGV  1 epoch expected by the caller
      2 number of orders n, then for each: order id (16 bytes), customer, number of lines m,
        then m times: allocation, quantity
Reply {-1} no counters here, {-2, epoch} counters of another epoch, or {place 1 … place n}
Example  EVALSHA … 4 {sale:7}:config {sale:7}:stock {sale:7}:limits {sale:7}:released 1 1 <id> ada 1 12 2
]]
local config = redis.call('HMGET', KEYS[1], 'epoch', 'limit')
if not config[1] then return {-1} end
if config[1] ~= ARGV[1] then return {-2, config[1]} end

local reply, at = {}, 3
for i = 1, tonumber(ARGV[2]) do
  local id, customer, lines = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local place = redis.call('HGET', KEYS[4], id)
  if not place then
    place = redis.call('HINCRBY', KEYS[2], 'releases', 1)
    redis.call('HSET', KEYS[4], id, place)
    local units = 0
    for j = at + 3, at + 2 + 2 * lines, 2 do
      redis.call('HINCRBY', KEYS[2], ARGV[j], ARGV[j + 1])
      redis.call('HINCRBY', KEYS[2], ARGV[j] .. ':r', ARGV[j + 1])
      units = units + tonumber(ARGV[j + 1])
    end
    if tonumber(config[2]) > 0 and redis.call('HINCRBY', KEYS[3], customer, -units) <= 0 then
      redis.call('HDEL', KEYS[3], customer)
    end
  end
  reply[i] = tonumber(place)
  at = at + 3 + 2 * lines
end
return reply
