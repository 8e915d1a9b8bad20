-- Which backends requests may pass to without asking the plugin server, for all workers. The server says for how
-- long.

local dictionary = require "kong.plugins.serverless.dictionary"

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
  dictionary.set_lease(name, VALID, ms / 1000)
end

function leases.drop(name)
  dict:delete(name)
end

function leases.fail(name)
  dictionary.set_lease(name, FAILED, FAILED_SECONDS)
  dict:incr("changes", 1, 0)
end

return leases
