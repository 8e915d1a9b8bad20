-- Counts this worker's requests in flight in plain tables and publishes the counts in the shared dictionary, where one
-- worker adds up those of all. A count is a state, not a stream of events: whatever was missed, the next one is right.

local cjson = require "cjson.safe"
local ffi = require "ffi"

local clock = require "kong.plugins.serverless.clock"
local dictionary = require "kong.plugins.serverless.dictionary"

local dict = ngx.shared.kong_serverless

pcall(ffi.cdef, "int kill(int pid, int sig);")
local EPERM = 1

-- How long after its last request a backend stays in the reports.
local QUIET_SECONDS = 10
-- How long the total of requests that passed by lease is kept: backends come and go, and each change of settings
-- makes a new key.
local PASSED_SECONDS = 600
local RECOUNT_SECONDS = 1
-- A worker without traffic never collects garbage unless asked. At growing intervals, because requests may really last
-- that long and each collection pauses the worker for some milliseconds.
local FIRST_COLLECT_SECONDS = 10
local LONGEST_COLLECT_SECONDS = 300

local traffic = {}

-- Keyed by backend.
local counts = {}
-- A mark for each request in flight, with the key of its backend. Weak: should Kong not run `log` for one (an earlier
-- plugin's handler threw, or the last plugin was removed from the configuration), its mark goes with the request's
-- context, and a recount corrects the total.
local open = setmetatable({}, { __mode = "k" })
-- Marks of requests that have ended, to be used again: a new table per request would cost more than all the rest.
local spare = {}
local MAX_SPARE = 1000
local is_changed = false
-- Called when a request begins in a worker that exits, where timers no longer run.
local on_begin_while_draining
local recounted_at = 0
local collected_at = 0
local collect_seconds = FIRST_COLLECT_SECONDS
local used_at = 0
local slot

-- Takes a number that no other worker has, had or will have.
function traffic.start()
  slot = dict:incr("slots", 1, 0)
  dict:set("pid:" .. slot, ngx.worker.pid())
  return slot
end

local function alive(pid)
  return ffi.C.kill(pid, 0) == 0 or ffi.errno() == EPERM
end

function traffic.has_open()
  return next(open) ~= nil
end

local function collect_marks(now)
  if used_at > collected_at then
    collect_seconds = FIRST_COLLECT_SECONDS
  end
  if now - math.max(used_at, collected_at) > collect_seconds then
    collected_at = now
    collect_seconds = math.min(collect_seconds * 2, LONGEST_COLLECT_SECONDS)
    collectgarbage()
  end
end

local function recount(now)
  if now - recounted_at < RECOUNT_SECONDS then
    return
  end
  recounted_at = now
  if traffic.has_open() then
    collect_marks(now)
  end
  local found = {}
  for _, key in pairs(open) do
    found[key] = (found[key] or 0) + 1
  end
  for key, count in pairs(counts) do
    if count.in_flight ~= (found[key] or 0) then
      count.in_flight = found[key] or 0
      is_changed = true
    end
  end
end

function traffic.publish()
  local now = clock.now()
  recount(now)
  local report = {}
  local is_quiet = true
  for key, count in pairs(counts) do
    if count.is_used then
      count.is_used = false
      count.used_at = now
      used_at = now
    elseif count.in_flight > 0 then
      count.used_at = now
    end
    if now - count.used_at > QUIET_SECONDS then
      counts[key] = nil
      is_changed = true
    else
      is_quiet = false
      report[key] = count.in_flight
    end
  end
  if not is_changed then
    return
  end
  is_changed = false
  for key, count in pairs(counts) do
    if count.passed > 0 then
      dictionary.add("passed:" .. key, count.passed, PASSED_SECONDS)
      count.passed = 0
    end
  end
  if is_quiet then
    dict:delete("worker:" .. slot)
  elseif not dictionary.set_count("worker:" .. slot, cjson.encode(report)) then
    is_changed = true
  end
  dict:incr("changes", 1, 0)
end

local function changed()
  is_changed = true
  if on_begin_while_draining then
    traffic.publish()
  end
end

-- From now on every change is published at once. Calls `on_begin` now if requests are open, and when one begins.
function traffic.drain(on_begin)
  on_begin_while_draining = on_begin
  changed()
  if traffic.has_open() then
    on_begin()
  end
end

-- Returns the request's mark, for `finish`.
function traffic.begin(key, by_lease)
  local count = counts[key]
  if not count then
    count = { in_flight = 0, passed = 0, used_at = 0, is_used = false }
    counts[key] = count
  end
  count.in_flight = count.in_flight + 1
  count.is_used = true
  if by_lease then
    count.passed = count.passed + 1
  end
  local last = #spare
  local mark = spare[last] or {}
  spare[last] = nil
  open[mark] = key
  changed()
  if on_begin_while_draining then
    on_begin_while_draining()
  end
  return mark
end

-- Ends what `begin` began. The mark will be used for another request, so it must not be kept. Returns the backend's
-- key.
function traffic.finish(mark)
  local key = open[mark]
  open[mark] = nil
  if #spare < MAX_SPARE then
    spare[#spare + 1] = mark
  end
  local count = counts[key]
  count.in_flight = count.in_flight - 1
  changed()
  return key
end

-- The requests in flight in all workers, and how many have passed by lease since the gateway started, keyed by backend.
function traffic.totals()
  local totals = {}
  local seen = {}
  local lowest = dict:get("lowest_slot") or 1
  -- From the latest down: of two workers with the same pid, the earlier one is dead.
  for each = dict:get("slots") or 0, lowest, -1 do
    local pid = dict:get("pid:" .. each)
    if pid and (seen[pid] or not alive(pid)) then
      dict:delete("pid:" .. each)
      dict:delete("worker:" .. each)
      pid = nil
    end
    if pid then
      seen[pid] = true
      for key, in_flight in pairs(cjson.decode(dict:get("worker:" .. each) or "{}") or {}) do
        local total = totals[key]
        if total then
          total[1] = total[1] + in_flight
        else
          totals[key] = { in_flight, dict:get("passed:" .. key) or 0 }
        end
      end
    elseif each == lowest then
      dict:set("lowest_slot", lowest + 1)
    end
  end
  return totals
end

return traffic
