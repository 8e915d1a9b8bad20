-- The backends that requests may pass to without asking the plugin server, shared by all workers. The server says for
-- how long.

local dictionary = require "kong.plugins.serverless.dictionary"

local dict = ngx.shared.kong_serverless

local VALID = 1
-- Kong could not reach the backend although its lease was valid: the next message to the plugin server says so.
local FAILED = 0
local FAILED_SECONDS = 60

local leases = {}

function leases.is_valid(name)
  return dict:get(name) == VALID
end

function leases.is_failed(name)
  return dict:get(name) == FAILED
end

-- `is_informed`: if the backend had failed, the server knew when it answered.
function leases.grant(name, ms, is_informed)
  if not is_informed and leases.is_failed(name) then
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
