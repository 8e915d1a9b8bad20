-- The Kong plugin `serverless`. While a backend's lease lasts a request passes without leaving nginx; otherwise the
-- plugin server decides, and may hold it until the backend is ready.

local has_dict = ngx.shared.kong_serverless ~= nil
local clock = require "kong.plugins.serverless.clock"
local entities = require "kong.plugins.serverless.entities"
local leases = has_dict and require "kong.plugins.serverless.leases"
local plugin_server = require "kong.plugins.serverless.plugin_server"
local refusals = require "kong.plugins.serverless.refusals"
local report = has_dict and require "kong.plugins.serverless.report"
local traffic = has_dict and require "kong.plugins.serverless.traffic"

local Serverless = {
  -- After authentication, ACLs and rate limiting: what those refuse wakes nothing.
  PRIORITY = 1,
  VERSION = "0.1.0",
}

function Serverless:init_worker()
  if has_dict then
    report.start()
  else
    kong.log.crit("no shared dictionary kong_serverless, so all requests of serverless routes are refused: ",
      "set KONG_NGINX_HTTP_LUA_SHARED_DICT=\"kong_serverless 4m\"")
  end
end

function Serverless:configure(confs)
  entities.configure(confs)
end

local function facts(entity, backend, is_unreachable)
  local service, route = kong.router.get_service(), kong.router.get_route()
  local consumer = kong.client.get_consumer()
  return {
    entity = entity.id,
    backend = backend.index,
    unreachable = is_unreachable,
    path = kong.request.get_path(),
    method = kong.request.get_method(),
    headers = {
      accept = kong.request.get_header("accept"),
      ["user-agent"] = kong.request.get_header("user-agent"),
      traceparent = kong.request.get_header("traceparent"),
    },
    client = { consumer = consumer and consumer.id, ip = kong.client.get_forwarded_ip() },
    service = service and {
      protocol = service.protocol, host = service.host, port = service.port, path = service.path,
    },
    route = route and { paths = route.paths, strip_path = route.strip_path },
  }
end

local function apply(decision)
  for name, value in pairs(decision.addResponseHeaders or {}) do
    kong.response.add_header(name, value)
  end
  for name, value in pairs(decision.setResponseHeaders or {}) do
    kong.response.set_header(name, value)
  end
  for name, value in pairs(decision.setRequestHeaders or {}) do
    kong.service.request.set_header(name, value)
  end
  local target = decision.target
  if target then
    -- What the route preserves or another plugin has set; the address takes its place.
    local host = ngx.var.upstream_host
    kong.service.set_target(target.host, target.port)
    if not host or host == "" then
      host = target.hostHeader or kong.request.get_header("host")
    end
    kong.service.request.set_header("Host", host)
  end
end

-- Asks the plugin server. Returns only if the request may pass.
local function ask(conf, entity, backend)
  local arrived_at = clock.now()
  local is_unreachable = backend.lease ~= nil and leases.is_failed(backend.lease)
  local question = facts(entity, backend, is_unreachable)
  local status, decision = plugin_server.decide(question, arrived_at)
  if status == 409 then
    -- The server has just started. The time that the request was held by the one before still counts.
    question.configuration = entities.described(conf)
    status, decision = plugin_server.decide(question, arrived_at)
  end
  if status ~= 200 or type(decision) ~= "table" then
    kong.log.err("no decision from the plugin server: ", status or decision)
    return refusals.answer("PLUGIN_SERVER_UNAVAILABLE", backend.name)
  end
  if decision.kind ~= "pass" then
    return kong.response.exit(decision.status, decision.body, decision.headers)
  end
  backend.key = decision.key
  backend.lease = "lease:" .. decision.key
  leases.grant(backend.lease, decision.leaseMs, is_unreachable)
  apply(decision)
end

function Serverless:access(conf)
  local ctx = ngx.ctx
  -- Already counted: Kong may run this phase again after an internal redirect.
  if ctx.kong_serverless then
    return
  end
  if not has_dict then
    return refusals.answer("SHARED_DICT_MISSING")
  end
  local entity = entities.of(conf)
  local backend = entities.match(entity)
  if not backend then
    return
  end
  local by_lease = backend.lease ~= nil and leases.is_valid(backend.lease)
  if not by_lease then
    ask(conf, entity, backend)
  end
  ctx.kong_serverless = traffic.begin(backend.key, by_lease)
end

-- Runs however the request ends. Using header_filter to see failures a moment earlier would cost a warm request more
-- than the rest of the plugin.
function Serverless:log()
  local ctx = ngx.ctx
  local mark = ctx.kong_serverless
  if not mark then
    return
  end
  ctx.kong_serverless = nil
  local key = traffic.finish(mark)
  local status = ngx.status
  if status < 502 or status > 504 then
    return
  end
  if kong.response.get_source() == "service" then
    -- Answered by the backend or by a proxy in front of it: the plugin server may know more.
    leases.drop("lease:" .. key)
  else
    leases.fail("lease:" .. key)
  end
end

return Serverless
