-- Answers to requests that are refused without the plugin server: RFC 9457 problems with the codes of docs/errors.md.

local cjson = require "cjson.safe"

local TITLES = {
  PLUGIN_SERVER_UNAVAILABLE = "The plugin server gave no answer, and the backend was not known to be ready.",
  SHARED_DICT_MISSING =
    "Kong has no shared dictionary `kong_serverless`, which the plugin keeps its leases and counts in.",
}

local refusals = {}

function refusals.answer(code, backend)
  local body = cjson.encode({ title = TITLES[code], status = 503, code = code, backend = backend })
  return kong.response.exit(503, body, {
    ["content-type"] = "application/problem+json",
    ["cache-control"] = "no-store",
    ["retry-after"] = "1",
  })
end

return refusals
