-- Arguments: number of routes, octets of the body, "close" for a new connection per request. Prints one line of JSON at the end.
local requests, count, at

function init(args)
  local routes, size = tonumber(args[1]), tonumber(args[2])
  if args[3] == "close" then wrk.headers["Connection"] = "close" end
  if size > 0 then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    -- A list of things, filled up with spaces; generator.ts has the same.
    local item = '{"id":4711,"name":"portcullis","tags":["gateway","bench"]}'
    local count = math.floor((size - 1) / (#item + 1))
    local list = "[" .. string.rep(item .. ",", count):sub(1, -2)
    wrk.body = list .. string.rep(" ", size - 1 - #list) .. "]"
  end
  wrk.headers["User-Agent"] = "bench"
  wrk.headers["Accept"] = "application/json"
  if routes == 0 then
    requests = { wrk.format() }
  else
    requests = {}
    -- 7919 is prime and no divisor of any count used, so that every route comes up before one comes up again.
    for i = 0, routes - 1 do
      requests[i + 1] = wrk.format(nil, "/svc-" .. (i * 7919 % routes) .. "/items/42")
    end
  end
  count, at = #requests, 0
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"us":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
