-- Which backends requests may pass to without asking the plugin server, for all workers. The server says for how
-- long.

local dict = ngx.shared.kong_serverless

local VALID = 1
-- Kong could not reach the backend although its lease was valid: the next to talk to the plugin server tells it.
local FAILED = 0
local FAILED_SECONDS = 60

local leases = {}

function leases.is_valid(name)
  return dict:get(name) == VALID
end

function leases.is_failed(name)
  return dict:get(name) == FAILED
end

-- `is_told`: the server gave this answer in the knowledge of a failure, if there was one.
function leases.grant(name, ms, is_told)
  if not is_told and leases.is_failed(name) then
    return
  end
  if ms <= 0 then
    dict:delete(name)
    return
  end
  -- Never at the cost of another entry: without a lease a request merely asks.
  local ok, err = dict:safe_set(name, VALID, ms / 1000)
  if not ok then
    dict:delete(name)
    kong.log.err("the shared dictionary kong_serverless is too small, so each request goes the long way: ", err)
  end
end

function leases.drop(name)
  dict:delete(name)
end

function leases.fail(name)
  dict:set(name, FAILED, FAILED_SECONDS)
  dict:incr("changes", 1, 0)
end

return leases
