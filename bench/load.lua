-- What wrk sends: events like those of the user service, each with an id of its own.
-- Arguments: binary | structured | batch | user, and for a batch how many events.

local function random_hex(bytes)
  local source = assert(io.open("/dev/urandom", "rb"))
  local hex = source:read(bytes):gsub(".", function(c) return string.format("%02x", c:byte()) end)
  source:close()
  return hex
end

local prefix, user, count = "", "", 0
local threads = {}
busy = 0 -- answered 503; global, so that `done` can ask each thread for its own

local function fresh_id()
  count = count + 1
  return string.format("%s%012x", prefix, count)
end

local EVENT = '{"specversion":"1.0","id":"%s","source":"github.com/eminetto/post-cloudevents",'
  .. '"type":"user.storeUser","time":"2026-11-23T18:00:00.%06dZ","datacontenttype":"application/json",'
  .. '"subject":"%s","partitionkey":"%s","subjectversion":1,"data":{"id":"%s"}}'

local function structured()
  local id = fresh_id()
  return EVENT:format(id, count % 1000000, user, user, user)
end

local make = {}

function make.binary()
  local headers = {
    ["content-type"] = "application/json",
    ["ce-specversion"] = "1.0",
    ["ce-id"] = fresh_id(),
    ["ce-source"] = "github.com/eminetto/post-cloudevents",
    ["ce-type"] = "user.storeUser",
    ["ce-time"] = string.format("2026-11-23T18:00:00.%06dZ", count % 1000000),
    ["ce-subject"] = user,
    ["ce-partitionkey"] = user,
    ["ce-subjectversion"] = "1",
  }
  return wrk.format("POST", nil, headers, '{"id": "' .. user .. '"}')
end

function make.structured()
  return wrk.format("POST", nil, { ["content-type"] = "application/cloudevents+json" }, structured())
end

function make.batch(size)
  local events = {}
  for i = 1, size do events[i] = structured() end
  local body = "[" .. table.concat(events, ",") .. "]"
  return wrk.format("POST", nil, { ["content-type"] = "application/cloudevents-batch+json" }, body)
end

function make.user()
  local body = string.format('{"name": "user %s", "password": "12345"}', fresh_id())
  return wrk.format("POST", nil, { ["content-type"] = "application/json" }, body)
end

local kind, size

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  kind, size = args[1], tonumber(args[2])
  local h = random_hex(24)
  prefix = string.format("%s-%s-4%s-8%s-", h:sub(1, 8), h:sub(9, 12), h:sub(13, 15), h:sub(16, 18))
  user = string.format("%s-%s-4%s-8%s-%s",
    h:sub(19, 26), h:sub(27, 30), h:sub(31, 33), h:sub(34, 36), h:sub(37, 48))
end

function request()
  return make[kind](size)
end

-- The first line that is not kept back until the end: something was acknowledged.
local acknowledged = false

function response(status)
  if status == 503 then busy = busy + 1 end
  if status < 400 and not acknowledged then
    acknowledged = true
    io.write("ACKNOWLEDGED\n")
    io.flush()
  end
end

function done(summary, latency)
  local e = summary.errors
  local busy = 0
  for _, thread in ipairs(threads) do busy = busy + thread:get("busy") end
  io.write(string.format(
    '\nRESULT {"microseconds": %d, "requests": %d, "refused": %d, "busy": %d, "broken": %d}\n',
    summary.duration, summary.requests, e.status, busy, e.connect + e.read + e.write + e.timeout))
end
