--[[
Close a sale's counters, on the server that was found to lag behind the ledger and on no other.

KEYS  1 config hash
ARGV  1 that server (master_replid)
Reply {-4, server} this is another server: nothing was changed; {1} closed
Example  EVALSHA … 1 {sale:7}:config 8c1f…
]]
local info = redis.call('INFO', 'replication')
if not string.find(info, 'master_replid:' .. ARGV[1] .. '\r\n', 1, true) then
  return {-4, string.match(info, 'master_replid:(%x+)')}
end
redis.call('DEL', KEYS[1])
return {1}
