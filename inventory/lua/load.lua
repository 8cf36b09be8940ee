--[[
Open a sale's counters: its rules, and for each allocation the units available and ever taken; both
together are what it has had in all (<allocation>:a), which allocate.lua raises.
Refused where counters exist already, so that a running sale can never be given a fresh count.

KEYS  1 config hash   2 stock hash   3 outbox stream
ARGV  1 consumer group   2 least id the outbox may give out next ("0-0": any)
      3 releases counted in already
      4 number of config fields n, then n times: field, value
      then for each allocation: allocation, available, taken
Reply 1 loaded, 0 there were counters already
Example  EVALSHA … 3 {sale:7}:config {sale:7}:stock {sale:7}:outbox persist 0-0 0 1 epoch 1 12 500 0
]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end

local fields = tonumber(ARGV[4])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'releases', ARGV[3], 'orders', 0)
for i = 5 + 2 * fields, #ARGV, 3 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1], ARGV[i] .. ':t', ARGV[i + 2], ARGV[i] .. ':r', 0,
    ARGV[i] .. ':a', ARGV[i + 1] + ARGV[i + 2])
end
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[3], ARGV[1], '0', 'MKSTREAM')
end
-- A new stream must not give out ids that the ledger has seen: they are its watermark.
local info = redis.call('XINFO', 'STREAM', KEYS[3])
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then
    local ms, seq = string.match(info[i + 1], '(%d+)-(%d+)')
    local least_ms, least_seq = string.match(ARGV[2], '(%d+)-(%d+)')
    ms, seq, least_ms, least_seq = tonumber(ms), tonumber(seq), tonumber(least_ms), tonumber(least_seq)
    if ms < least_ms or (ms == least_ms and seq < least_seq) then
      redis.call('XSETID', KEYS[3], ARGV[2])
    end
  end
end
for i = 5, 4 + 2 * fields, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
