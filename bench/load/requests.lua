-- What wrk sends: events like those of the user service, each with an id of its own.
-- Arguments: binary | 256 bytes | structured | batch | user, how many events in a batch, and whether their
-- ids are rising, as a UUID of version 7 does in time, or random, as one of version 4 is.

local ffi = require("ffi")
ffi.cdef("struct time { long seconds, microseconds; }; int gettimeofday(struct time *, void *);")

local function random_hex(bytes)
  local source = assert(io.open("/dev/urandom", "rb"))
  local hex = source:read(bytes):gsub(".", function(c) return string.format("%02x", c:byte()) end)
  source:close()
  return hex
end

local suffix, user, count, ids_are_random = "", "", 0, false

local now = ffi.new("struct time")

local function fresh_id()
  count = count + 1
  local first, second, version = math.random(0, 0xffffffff), math.random(0, 0xffff), 4
  if not ids_are_random then
    ffi.C.gettimeofday(now, nil)
    local milliseconds = tonumber(now.seconds) * 1000 + math.floor(tonumber(now.microseconds) / 1000)
    first, second, version = math.floor(milliseconds / 0x10000), milliseconds % 0x10000, 7
  end
  return string.format(
    "%08x-%04x-%x%03x-8%03x-%s%06x", first, second, version, math.random(0, 0xfff),
    math.random(0, 0xfff), suffix, count)
end

local EVENT = '{"specversion":"1.0","id":"%s","source":"github.com/eminetto/post-cloudevents",'
  .. '"type":"user.storeUser","time":"2026-11-23T18:00:00.%06dZ","datacontenttype":"application/json",'
  .. '"subject":"%s","partitionkey":"%s","subjectversion":1,"data":{"id":"%s"}}'

local function structured()
  local id = fresh_id()
  return EVENT:format(id, count % 1000000, user, user, user)
end

-- Of whoever has a token; nil is no header.
local AUTHORIZATION = os.getenv("AUTHORIZATION")

local make = {}

local function binary(data)
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
    ["authorization"] = AUTHORIZATION,
  }
  return wrk.format("POST", nil, headers, data)
end

function make.binary()
  return binary('{"id": "' .. user .. '"}')
end

make["256 bytes"] = function()
  return binary('{"id": "' .. user .. '", "text": "' .. string.rep("x", 198) .. '"}')
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

function init(args)
  kind, size, ids_are_random = args[1], tonumber(args[2]), args[3] == "random"
  local h = random_hex(24)
  math.randomseed(tonumber(h:sub(1, 8), 16))
  suffix = h:sub(9, 14)
  user = string.format("%s-%s-4%s-8%s-%s",
    h:sub(19, 26), h:sub(27, 30), h:sub(31, 33), h:sub(34, 36), h:sub(37, 48))
end

function request()
  return make[kind](size)
end

-- The first line that is not kept back until the end: something was acknowledged.
local acknowledged = false

function response(status)
  if status < 400 and not acknowledged then
    acknowledged = true
    io.write("ACKNOWLEDGED\n")
    io.flush()
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"microseconds": %d, "requests": %d, "refused": %d, "broken": %d,'
      .. ' "p50": %d, "p99": %d, "p999": %d}\n',
    summary.duration, summary.requests, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
