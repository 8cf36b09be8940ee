--[[
Take the stock of an order a second time, after its hold had ended, if all of it is there. Idempotent
by order id. A release of it that is still to come is made first, so that the order's two lives stay
apart: both have a place in the sale's sequence of releases, which reconciliation counts by.

KEYS  1 config    hash
      2 stock     hash   <allocation> available, :t units ever taken, :r ever released, releases
      3 limits    hash   <customer> = units taken
      4 released  hash   <order id> = place of its release, <order id>@ = place of its retaking
ARGV  1 epoch expected by the caller
      2 the server (master_replid) that the caller has compared with the ledger
      3 order id (16 bytes)
      4 customer
      5 place of its release where the caller knows it, else 0
      6 number of lines m, then m times: allocation, quantity
Reply {-1} no counters here, {-2, epoch} counters of another epoch, {-4, server} another server,
      {0} too few units are available, or {place of its release, place of its retaking}
Example  EVALSHA … 4 {sale:7}:config {sale:7}:stock {sale:7}:limits {sale:7}:released 1 8c1f… <id> ada 0 1 12 2
]]
local info = redis.call('INFO', 'replication')
if not string.find(info, 'master_replid:' .. ARGV[2] .. '\r\n', 1, true) then
  return {-4, string.match(info, 'master_replid:(%x+)')}
end

local config = redis.call('HMGET', KEYS[1], 'epoch', 'limit')
if not config[1] then return {-1} end
if config[1] ~= ARGV[1] then return {-2, config[1]} end

local id, customer, released = ARGV[3], ARGV[4], tonumber(ARGV[5])
local marks = redis.call('HMGET', KEYS[4], id, id .. '@')
if marks[2] then
  return {released > 0 and released or tonumber(marks[1]), tonumber(marks[2])}
end
if released == 0 and marks[1] then released = tonumber(marks[1]) end
local to_release = released == 0

local units, lines = 0, {}
for i = 7, 6 + 2 * tonumber(ARGV[6]), 2 do
  local allocation, quantity = ARGV[i], tonumber(ARGV[i + 1])
  local available = tonumber(redis.call('HGET', KEYS[2], allocation))
  if not available or (not to_release and available < quantity) then return {0} end
  lines[#lines + 1] = {allocation, quantity}
  units = units + quantity
end

if to_release then
  released = redis.call('HINCRBY', KEYS[2], 'releases', 1)
  redis.call('HSET', KEYS[4], id, released)
end
for _, line in ipairs(lines) do
  if to_release then
    redis.call('HINCRBY', KEYS[2], line[1] .. ':r', line[2])
  else
    redis.call('HINCRBY', KEYS[2], line[1], -line[2])
  end
  redis.call('HINCRBY', KEYS[2], line[1] .. ':t', line[2])
end
-- A paid order is not refused for the customer's limit, but counts against it.
if not to_release and tonumber(config[2]) > 0 then
  redis.call('HINCRBY', KEYS[3], customer, units)
end
local place = redis.call('HINCRBY', KEYS[2], 'releases', 1)
redis.call('HSET', KEYS[4], id .. '@', place)
return {released, place}
