--[[
Add units (may be negative) to what is available, on the server where the difference was read.

KEYS  1 stock hash
ARGV  1 the server (master_replid) where the difference was read   2 allocation   3 units
Reply {-4, server} this is another server: nothing was changed; {units available now}
Example  EVALSHA … 1 {sale:7}:stock 8c1f… 12 -3
]]
local info = redis.call('INFO', 'replication')
if not string.find(info, 'master_replid:' .. ARGV[1] .. '\r\n', 1, true) then
  return {-4, string.match(info, 'master_replid:(%x+)')}
end
return {redis.call('HINCRBY', KEYS[1], ARGV[2], ARGV[3])}
