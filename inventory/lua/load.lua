--[[
Open a sale's counters: its rules, and for each allocation the units available and ever taken.
Refused where counters exist already, so that a running sale can never be given a fresh count.

KEYS  1 config hash   2 stock hash   3 outbox stream
ARGV  1 consumer group   2 least id the outbox may give out next ("0-0": any)
      3 number of config fields n, then n times: field, value
      then for each allocation: allocation, available, taken
Reply 1 loaded, 0 there were counters already
Example  EVALSHA … 3 {sale:7}:config {sale:7}:stock {sale:7}:outbox persist 0-0 1 epoch 1 12 500 0
]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end

local fields = tonumber(ARGV[3])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'releases', 0)
for i = 4 + 2 * fields, #ARGV, 3 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1], ARGV[i] .. ':t', ARGV[i + 2], ARGV[i] .. ':r', 0)
end
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[3], ARGV[1], '0', 'MKSTREAM')
  -- A new stream must not give out ids that the ledger has seen: they are its watermark.
  if ARGV[2] ~= '0-0' then redis.call('XSETID', KEYS[3], ARGV[2]) end
end
for i = 4, 3 + 2 * fields, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
