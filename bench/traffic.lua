-- What wrk sends. Arguments: MODE FILE MEAN_DELAY_MS
--   constant  the first line of FILE is the Authorization of every request
--   rotating  the lines of FILE in turn, from the first to the last and over again
--   unknown   a new key for each request that no store knows; FILE is not read
--   traced    as constant, but each request has a traceparent and a request id of its own, so that no two heads are alike
-- With a delay above 0 each connection waits that long on average between two requests (exponential, so that requests
-- do not march in step); wrk does not count the wait as latency.

wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
wrk.headers["Accept"] = "application/json, text/plain, */*"
wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
wrk.headers["Accept-Language"] = "en-GB,en;q=0.9,de;q=0.8"
wrk.headers["Cache-Control"] = "no-cache"
wrk.headers["Cookie"] = "session=5f2b8c1e9d7a4c60; theme=dark; consent=1"
wrk.headers["Referer"] = "https://app.example.com/orders/2026"
wrk.headers["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
wrk.headers["X-Request-Id"] = "7b6f3d52-8f7e-4a39-9a55-1d3f0c7f2a10"
wrk.headers["X-Client-Version"] = "web 8.14.2"

local function with_authorization(value)
  wrk.headers["Authorization"] = value
  return wrk.format()
end

local function rotate(file)
  local requests, at = {}, 0
  for line in io.lines(file) do
    requests[#requests + 1] = with_authorization(line)
  end
  request = function()
    at = at % #requests + 1
    return requests[at]
  end
end

local function invent()
  local before, after = with_authorization("@KEY@"):match("^(.*)@KEY@(.*)$")
  local number = 0
  request = function()
    number = number + 1
    return before .. string.format("unknown%08x%017d", math.random(0, 0x7fffffff), number) .. after
  end
end

local function trace(authorization)
  wrk.headers["traceparent"] = "00-@TRACE@-00f067aa0ba902b7-01"
  wrk.headers["X-Request-Id"] = "@ID@"
  local text, pieces, number = with_authorization(authorization), {}, 0
  for piece in (text:gsub("@TRACE@", "\0"):gsub("@ID@", "\0") .. "\0"):gmatch("(%Z*)%z") do
    pieces[#pieces + 1] = piece
  end
  request = function()
    number = number + 1
    local id = string.format("4bf92f3577b34da6a3ce%012x", number)
    return pieces[1] .. id .. pieces[2] .. id .. pieces[3]
  end
end

function init(args)
  local mode, file, mean_delay_ms = args[1], args[2], tonumber(args[3])
  math.randomseed(os.time())
  if mode == "rotating" then
    rotate(file)
  elseif mode == "unknown" then
    invent()
  elseif mode == "traced" then
    trace(io.lines(file)())
  else
    wrk.headers["Authorization"] = io.lines(file)()
  end
  if mean_delay_ms > 0 then
    delay = function()
      return math.floor(0.5 - mean_delay_ms * math.log(1 - math.random()))
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'OUTCOME {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
