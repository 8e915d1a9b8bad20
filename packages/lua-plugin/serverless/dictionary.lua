-- The shared dictionary. Nothing in it may be evicted for something else: without a lease a request merely asks the
-- plugin server, but without the counts a backend could be scaled down under its requests.

local clock = require "kong.plugins.serverless.clock"

local dict = ngx.shared.kong_serverless

local WARN_SECONDS = 60

local dictionary = {}

local warned_at = -WARN_SECONDS

local function warn(what)
  local now = clock.now()
  if now - warned_at >= WARN_SECONDS then
    warned_at = now
    kong.log.err("the shared dictionary kong_serverless is too small: ", what)
  end
end

-- For leases, which may have half of the dictionary. The other half is for the counts.
function dictionary.set_lease(name, value, seconds)
  local has_room = dict:get(name) ~= nil or dict:free_space() * 2 >= dict:capacity()
  if not has_room or not dict:safe_set(name, value, seconds) then
    dict:delete(name)
    warn("requests of some backends always go to the plugin server")
  end
end

-- Returns whether there was room.
function dictionary.set_count(name, value)
  local ok = dict:safe_set(name, value)
  if not ok then
    warn("what is in flight is not known, so backends may be scaled down too early")
  end
  return ok
end

-- Adds to a total that is forgotten some time after its last change.
function dictionary.add(name, count, seconds)
  if not dict:incr(name, count) then
    dict:safe_add(name, count)
  end
  dict:expire(name, seconds)
end

return dictionary
