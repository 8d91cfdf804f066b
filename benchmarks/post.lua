-- Posts the lines of a file in turn: wrk -s post.lua URL -- FILE; ends with one line of JSON.
local bodies, place = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    bodies[#bodies + 1] = line
  end
  wrk.method = #bodies > 0 and "POST" or "GET"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  if #bodies == 0 then
    return wrk.format()
  end
  place = place % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[place])
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"answers": %d, "seconds": %.6f, "p50": %d, "p99": %d, "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
