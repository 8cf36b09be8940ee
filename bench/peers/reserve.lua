--[[
Judge one order in one atomic step: answer a repeated request from its record, else check the stock
of every line, and only if all hold: take it, record the request, append the order to the stream.
It does what the peers need and no more: no window of time, no limit per customer, no record of a no
(stock never comes back, so that a repeated no stays one).

KEYS  1 stock     hash   <SKU> = units available
      2 requests  hash   <idempotency key> = id of the accepted order
      3 orders    stream id, order (left out by who has another queue)
ARGV  1 idempotency key
      2 id for the order, if it is new
      3 the order as JSON, for the stream
      4 … SKU, quantity, for each line
Reply {order id, 1 accepted now | 0 accepted before}, or nil: sold out
Example  EVALSHA … 3 peer:go:{drop}:stock peer:go:{drop}:requests peer:go:{drop}:orders k-1 5f… {…} TEE 1
]]
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return {known, 0} end

local left = {}
for i = 4, #ARGV, 2 do
  local sku = ARGV[i]
  local available = left[sku] or tonumber(redis.call('HGET', KEYS[1], sku)) or 0
  left[sku] = available - tonumber(ARGV[i + 1])
  if left[sku] < 0 then return false end
end

for sku, units in pairs(left) do redis.call('HSET', KEYS[1], sku, units) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if KEYS[3] then redis.call('XADD', KEYS[3], '*', 'id', ARGV[2], 'order', ARGV[3]) end
return {ARGV[2], 1}
