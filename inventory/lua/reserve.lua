--[[
Decide a batch of orders of one sale, one after the other, in one atomic step. For each order: answer a repeated
request from its record; else check the sale's window, the customer's limit and the stock of every
line; and only if all hold: take the stock, record the request, append the order to the outbox.

KEYS  1 config    hash   epoch state opens closes limit hold
      2 stock     hash   <allocation> = units available, <allocation>:t = units ever taken,
                         orders = orders ever accepted, forgotten = refusals that made room early
      3 limits    hash   <customer> = units taken (only where the sale has a limit)
      4 requests  hash   <digest> = record of an accepted request
      5 refusals  hash   <digest> = record of a refused request   \ two generations, which take
      6 refusals  hash   the same                                 / turns; s = since when (ms),
                         n = number of the generation
      7 outbox    stream o = payload, t = accepted at (ms), h = held until (ms, 0: for good), e = epoch
      8 pending   hash   <order id> = its entry in the outbox, until it is persisted
      9 bell      string present while a persist task has been asked for and has not finished
ARGV  1 epoch expected by the caller
      2 most entries that the outbox may hold
      3 orders that the caller knows to have been accepted: more than counted here means that these
        counters are an older copy, which must not answer
      4 the server (master_replid) that the caller has compared with the ledger: any other one, for
        example one that was primary before, must not answer
      5 most refusals that are remembered
      6 number of orders n
      7 the orders, packed (big-endian): digest, fingerprint and order id of 16 bytes each; the
        lengths of customer, note and payload, in 2 bytes each; the number of lines, in 1, with the
        highest bit set where the order costs nothing, and so waits for no payment; customer, note
        (kept in the record, for the caller) and payload; for each line the allocation in 8
        bytes and the quantity in 4. One value and not many, because client and server spend more
        on an argument than on its bytes
Reply {-1}         no counters here (lost, or never loaded)
      {-2, epoch}  the counters are of another epoch
      {-3}         the counters have gone back in time; they are closed now
      {-4, server} this is another server than the one that was compared
      {now ms, held until ms, ring 0|1, orders ever accepted, outcome 1 … outcome n}; an outcome is
        A                          accepted now      A0  … for good: it costs nothing
        R <record>                 accepted before; record = fingerprint 'A'|'P' order id now '|' held '|' note
        S <line:available …>       sold out, decided now        s …  decided before
        L <taken>:<limit>          over the limit, decided now  l …  decided before
        C                          the key was used for a different request
        N <opens ms>, P, X         not open yet, paused, closed
        F                          the outbox is full
        U <line>                   this allocation has no counter
Example  EVALSHA … 9 {sale:7}:config … 1 500000 0 8c1f… 1000000 1 <order>
]]
local info = redis.call('INFO', 'replication')
if not string.find(info, 'master_replid:' .. ARGV[4] .. '\r\n', 1, true) then
  return {-4, string.match(info, 'master_replid:(%x+)')}
end

local config = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'opens', 'closes', 'limit', 'hold')
if not config[1] then return {-1} end
if config[1] ~= ARGV[1] then return {-2, config[1]} end
local accepted = tonumber(redis.call('HGET', KEYS[2], 'orders')) or 0
if accepted < tonumber(ARGV[3]) then
  redis.call('DEL', KEYS[1])
  return {-3}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, hold = tonumber(config[5]), tonumber(config[6])
local held_until = hold > 0 and now + hold or 0
local times, for_good = now .. '|' .. held_until .. '|', now .. '|0|'

-- The sale's own answer to a new request, if it is not taking any.
local shut
if config[2] == 'closed' or (config[4] ~= '' and tonumber(config[4]) <= now) then shut = 'X'
elseif config[2] == 'paused' then shut = 'P'
elseif tonumber(config[3]) > now then shut = 'N' .. config[3] end

-- A refusal is remembered for the late duplicate of its request: for one to two of these. A new
-- generation takes the place of the one before last.
local GENERATION = 120000

-- Read all that the batch may need with a handful of calls.
local orders, digests, customers, fields, seen = {}, {}, {}, {}, {}
local at, count, batch = 1, tonumber(ARGV[6]), ARGV[7]

local function text(length)
  at = at + length
  return string.sub(batch, at - length, at - 1)
end

for i = 1, count do
  local order, lines, customer, note, payload = {}, 0, 0, 0, 0
  order.digest, order.fingerprint, order.id, customer, note, payload, lines, at =
    struct.unpack('>c16c16c16I2I2I2I1', batch, at)
  if lines > 127 then order.free, lines = true, lines - 128 end
  order.customer, order.note, order.payload = text(customer), text(note), text(payload)
  for j = 1, lines do
    local allocation, quantity
    allocation, quantity, at = struct.unpack('>I8I4', batch, at)
    order[2 * j - 1], order[2 * j] = allocation, quantity
    if not seen[allocation] then
      seen[allocation] = true
      fields[#fields + 1] = allocation
      fields[#fields + 1] = allocation .. ':t'
    end
  end
  orders[i], digests[i], customers[i] = order, order.digest, order.customer
end

local accepted_before = redis.call('HMGET', KEYS[4], unpack(digests))

local function generation(key)
  local head = redis.call('HMGET', key, 's', 'n', 'day')
  local since, number = tonumber(head[1]), tonumber(head[2]) or 0
  -- None is there; an earlier version has called its own by the day.
  if not since and not head[3] then return {key = key, number = number, records = {}} end
  if not since or since > now then  -- or the clock was put back: it counts from now on
    since = now
    redis.call('HSET', key, 's', since, 'n', number)
    redis.call('PEXPIRE', key, 2 * GENERATION)
  end
  local records = redis.call('HMGET', key, unpack(digests))
  return {key = key, since = since, number = number, records = records}
end

local latest, former = generation(KEYS[5]), generation(KEYS[6])
if former.number > latest.number then latest, former = former, latest end
local stock = redis.call('HMGET', KEYS[2], unpack(fields))
local available, taken = {}, {}
for i = 1, #fields, 2 do
  available[fields[i]], taken[fields[i]] = tonumber(stock[i]), tonumber(stock[i + 1])
end
local bought = {}
if limit > 0 then
  local counts = redis.call('HMGET', KEYS[3], unpack(customers))
  for i = 1, count do bought[customers[i]] = tonumber(counts[i]) or 0 end
end
local room = tonumber(ARGV[2]) - redis.call('XLEN', KEYS[7])

-- One after the other: units that an order takes, the next one in the batch does not find.
local new_requests, new_refusals, new_pending, sold, buyers = {}, {}, {}, {}, {}
local known, refused = {}, {}

local function remembered(order, i)
  local record = known[order.digest] or accepted_before[i]
  if record then
    if string.sub(record, 1, 16) ~= order.fingerprint then return 'C' end
    return 'R' .. record
  end
  record = refused[order.digest] or latest.records[i] or former.records[i]
  if record then
    if string.sub(record, 1, 16) ~= order.fingerprint then return 'C' end
    return string.lower(string.sub(record, 17, 17)) .. string.sub(record, 18)
  end
end

local function refuse(order, outcome)
  local record = order.fingerprint .. outcome
  refused[order.digest] = record
  new_refusals[#new_refusals + 1] = order.digest
  new_refusals[#new_refusals + 1] = record
  return outcome
end

local function decide(order, i)
  local outcome = remembered(order, i) or shut
  if outcome then return outcome end
  if room <= 0 then return 'F' end

  local units, short = 0, {}
  local customer = order.customer
  for j = 1, #order, 2 do
    local allocation, quantity = order[j], order[j + 1]
    local line = (j - 1) / 2
    if not available[allocation] then return 'U' .. line end
    if available[allocation] < quantity then
      short[#short + 1] = line .. ':' .. math.max(available[allocation], 0)
    end
    units = units + quantity
  end
  if limit > 0 and bought[customer] + units > limit then
    return refuse(order, 'L' .. bought[customer] .. ':' .. limit)
  end
  if #short > 0 then return refuse(order, 'S' .. table.concat(short, ' ')) end

  for j = 1, #order, 2 do
    local allocation, quantity = order[j], order[j + 1]
    available[allocation] = available[allocation] - quantity
    taken[allocation] = taken[allocation] + quantity
    sold[allocation] = true
  end
  if limit > 0 then
    bought[customer] = bought[customer] + units
    buyers[customer] = true
  end
  local entry = redis.call('XADD', KEYS[7], '*',
    'o', order.payload, 't', now, 'h', order.free and 0 or held_until, 'e', config[1])
  local record = order.fingerprint .. 'A' .. order.id .. (order.free and for_good or times) .. order.note
  known[order.digest] = record
  new_requests[#new_requests + 1] = order.digest
  new_requests[#new_requests + 1] = record
  new_pending[#new_pending + 1] = order.id
  new_pending[#new_pending + 1] = entry
  accepted = accepted + 1
  room = room - 1
  return order.free and 'A0' or 'A'
end

local reply = {now, held_until, 0, 0}
for i = 1, count do reply[4 + i] = decide(orders[i], i) end
reply[4] = accepted

-- Write what changed, again with a handful of calls.
if #new_requests > 0 then
  redis.call('HSET', KEYS[4], unpack(new_requests))
  redis.call('HSET', KEYS[8], unpack(new_pending))
  local counters = {'orders', accepted}
  for allocation in pairs(sold) do
    counters[#counters + 1] = allocation
    counters[#counters + 1] = available[allocation]
    counters[#counters + 1] = allocation .. ':t'
    counters[#counters + 1] = taken[allocation]
  end
  redis.call('HSET', KEYS[2], unpack(counters))
  if limit > 0 then
    local counts = {}
    for customer in pairs(buyers) do
      counts[#counts + 1] = customer
      counts[#counts + 1] = bought[customer]
    end
    redis.call('HSET', KEYS[3], unpack(counts))
  end
  if redis.call('SET', KEYS[9], '1', 'NX', 'PX', 1000) then reply[3] = 1 end
end
if #new_refusals > 0 then
  local early = latest.since and now - latest.since < GENERATION
  if not early or redis.call('HLEN', latest.key) >= tonumber(ARGV[5]) / 2 then
    if early and former.since then
      redis.call('HINCRBY', KEYS[2], 'forgotten', redis.call('HLEN', former.key) - 2)
    end
    -- Not where there is none: once it has written something, Redis refuses no write of a script,
    -- also where it is full.
    if former.since then redis.call('UNLINK', former.key) end
    redis.call('HSET', former.key, 's', now, 'n', latest.number + 1)
    redis.call('PEXPIRE', former.key, 2 * GENERATION)
    latest = former
  end
  redis.call('HSET', latest.key, unpack(new_refusals))
end
return reply
