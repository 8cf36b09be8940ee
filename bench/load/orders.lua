--[[
Places orders, each with an Idempotency-Key and a customer of its own, as fast as they are answered.

ARGS  1 API key
      2 what each Idempotency-Key begins with
      3 file of bodies, one a line, with ######## where the request's number goes; they take turns
      4 after how many requests the keys begin again (0: never)
Prints one line of JSON at the end, see report.lua.
Example  wrk -t1 -c64 -d8s -s orders.lua http://127.0.0.1:8000/api/v1/orders -- KEY run1- bodies 0

A request is put together from parts made beforehand: wrk.format for each of them would cost the
machine that is measured.
]]
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or ''
dofile(folder .. 'report.lua')

local MARK = '########'
local format = string.format
local templates, count, sent = {}, 0, 0
local api_key, key_prefix, again

local function head(length)
  return 'POST ' .. wrk.path .. ' HTTP/1.1\r\nHost: ' .. wrk.headers['Host']
    .. '\r\nAuthorization: Bearer ' .. api_key
    .. '\r\nContent-Type: application/json\r\nContent-Length: ' .. length
    .. '\r\nIdempotency-Key: ' .. key_prefix
end

local function template(body)
  local first, last = body:find(MARK, 1, true)
  return {
    head = head(#body),
    middle = '\r\n\r\n' .. body:sub(1, first - 1),
    tail = body:sub(last + 1),
  }
end

function init(args)
  api_key, key_prefix, again = args[1], args[2], tonumber(args[4])
  for body in io.lines(args[3]) do
    count = count + 1
    templates[count] = template(body)
  end
end

function request()
  local number = again > 0 and sent % again or sent
  local part = templates[number % count + 1]
  local digits = format('%08d', number)
  sent = sent + 1
  return part.head .. digits .. part.middle .. digits .. part.tail
end
