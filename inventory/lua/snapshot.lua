--[[
Read a sale's counters and how far they count, in one step.

KEYS  1 config hash   2 stock hash   3 outbox stream
Reply {} no counters here (the stock may be empty where someone deleted it), or {epoch, last id the outbox gave out, {field, value, …} of the stock}
Example  EVALSHA_RO … 3 {sale:7}:config {sale:7}:stock {sale:7}:outbox
]]
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return {} end
local last = '0-0'
if redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
return {epoch, last, redis.call('HGETALL', KEYS[2])}
