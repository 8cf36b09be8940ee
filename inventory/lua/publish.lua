--[[
Bring a change of a sale's rules (window, limit, hold, paused, closed) to its counters. An older
change that arrives late changes nothing.

KEYS  1 config hash
ARGV  1 epoch   2 version of the rules   then n times: field, value
Reply 1 the rules are now these or newer ones, 0 no counters here, or of another epoch
Example  EVALSHA … 1 {sale:7}:config 1 4 state closed
]]
local config = redis.call('HMGET', KEYS[1], 'epoch', 'version')
if config[1] ~= ARGV[1] then return 0 end
if tonumber(config[2]) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'version', ARGV[2], unpack(ARGV, 3))
end
return 1
