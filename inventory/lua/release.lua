--[[
Give back what orders of one sale had taken: stock, and the customer's share of the limit. Idempotent
by order id: an order that was released before keeps its place in the sale's sequence of releases,
and nothing moves. That sequence is what reconciliation uses as its watermark for releases.

KEYS  1 config    hash
      2 stock     hash   <allocation> available, <allocation>:r units ever released, releases
      3 limits    hash   <customer> = units taken
      4 released  hash   <order id> = place in the sequence of releases
ARGV  1 epoch expected by the caller
      2 the server (master_replid) that the caller has compared with the ledger
      3 number of orders n, at most 1,000
      4 then the n order ids (16 bytes each), then for each order: customer, number of lines m, then
        m times: allocation, quantity
Reply {-1} no counters here, {-2, epoch} counters of another epoch, {-4, server} another server, or
      {place 1 … place n}
Example  EVALSHA … 4 {sale:7}:config {sale:7}:stock {sale:7}:limits {sale:7}:released 1 8c1f… 1 <id> ada 1 12 2
]]
local info = redis.call('INFO', 'replication')
if not string.find(info, 'master_replid:' .. ARGV[2] .. '\r\n', 1, true) then
  return {-4, string.match(info, 'master_replid:(%x+)')}
end

local config = redis.call('HMGET', KEYS[1], 'epoch', 'limit')
if not config[1] then return {-1} end
if config[1] ~= ARGV[1] then return {-2, config[1]} end

local count, limited = tonumber(ARGV[3]), tonumber(config[2]) > 0
if count == 0 then return {} end
local known = redis.call('HMGET', KEYS[4], unpack(ARGV, 4, 3 + count))
local places, fresh, marks = {}, 0, {}
local back, shares = {}, {}
local last = tonumber(redis.call('HGET', KEYS[2], 'releases')) or 0

-- Sum up first, so that each counter is changed once however many orders give back to it.
local at, here = 4 + count, {}
for i = 1, count do
  local id, customer, lines = ARGV[3 + i], ARGV[at], tonumber(ARGV[at + 1])
  local place = tonumber(known[i] or here[id])
  if not place then
    fresh = fresh + 1
    place = last + fresh
    here[id] = place
    marks[2 * fresh - 1], marks[2 * fresh] = id, place
    for j = at + 2, at + 1 + 2 * lines, 2 do
      local quantity = tonumber(ARGV[j + 1])
      back[ARGV[j]] = (back[ARGV[j]] or 0) + quantity
      shares[customer] = (shares[customer] or 0) + quantity
    end
  end
  places[i] = place
  at = at + 2 + 2 * lines
end
if fresh == 0 then return places end

redis.call('HINCRBY', KEYS[2], 'releases', fresh)
redis.call('HSET', KEYS[4], unpack(marks))
for allocation, units in pairs(back) do
  redis.call('HINCRBY', KEYS[2], allocation, units)
  redis.call('HINCRBY', KEYS[2], allocation .. ':r', units)
end
if limited then
  for customer, units in pairs(shares) do
    if redis.call('HINCRBY', KEYS[3], customer, -units) <= 0 then
      redis.call('HDEL', KEYS[3], customer)
    end
  end
end
return places
