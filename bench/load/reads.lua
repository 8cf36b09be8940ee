--[[
Gets paths in turn, as fast as they are answered.

ARGS  1 API key
      2 file of paths, one a line
Prints one line of JSON at the end, see report.lua.
Example  wrk -t1 -c64 -d8s -s reads.lua http://127.0.0.1:8000 -- KEY paths
]]
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or ''
dofile(folder .. 'report.lua')

local requests, count, sent = {}, 0, 0

function init(args)
  for path in io.lines(args[2]) do
    count = count + 1
    requests[count] = 'GET ' .. path .. ' HTTP/1.1\r\nHost: ' .. wrk.headers['Host']
      .. '\r\nAuthorization: Bearer ' .. args[1] .. '\r\n\r\n'
  end
end

function request()
  sent = sent + 1
  return requests[sent % count + 1]
end
