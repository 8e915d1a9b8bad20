-- Answers to requests that are refused without the plugin server: RFC 9457 problems with the codes of docs/errors.md.

local cjson = require "cjson.safe"
local titles = require "kong.plugins.serverless.error_titles"

local refusals = {}

function refusals.answer(code, backend)
  local body = cjson.encode({ title = titles[code], status = 503, code = code, backend = backend })
  return kong.response.exit(503, body, {
    ["content-type"] = "application/problem+json",
    ["cache-control"] = "no-store",
    ["retry-after"] = "1",
  })
end

return refusals
