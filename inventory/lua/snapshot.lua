--[[
Read a sale's counters, how far they count, and on which server that is, in one step.

KEYS  1 config hash   2 stock hash   3 outbox stream
Reply {server (master_replid)} no counters here, or {server, epoch, version of the rules, position
      that the counters were loaded with, or false, last id the outbox gave out, entries in the
      outbox, {field, value, …} of the stock (may be empty where someone deleted it)}
Example  EVALSHA … 3 {sale:7}:config {sale:7}:stock {sale:7}:outbox
]]
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local config = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'after')
if not config[1] then return {server} end
local last = '0-0'
if redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
return {
  server, config[1], config[2], config[3], last, redis.call('XLEN', KEYS[3]),
  redis.call('HGETALL', KEYS[2])
}
