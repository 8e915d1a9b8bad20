-- Plays Kong around the plugin, on a plain nginx: the PDK functions that the plugin calls, the order of the phases,
-- and other plugins before and behind it, which the request's own headers switch on.

local cjson = require "cjson.safe"

local stand_in = {}

local routes = {}
local Plugin

local function exit(status, body, headers)
  ngx.ctx.exited = true
  ngx.status = status
  for name, value in pairs(headers or {}) do
    ngx.header[name] = value
  end
  if body then
    ngx.print(body)
  end
  return ngx.exit(status)
end

local function log(level)
  return function(...)
    ngx.log(level, ...)
  end
end

_G.kong = {
  configuration = { prefix = "/nowhere" },
  log = { crit = log(ngx.CRIT), err = log(ngx.ERR), warn = log(ngx.WARN) },
  request = {
    get_path = function() return ngx.var.uri end,
    get_host = function() return ngx.var.host end,
    get_method = function() return ngx.req.get_method() end,
    get_header = function(name) return ngx.req.get_headers()[name] end,
  },
  router = {
    get_route = function() return ngx.ctx.route.route end,
    get_service = function() return ngx.ctx.route.service end,
  },
  client = {
    get_consumer = function() return nil end,
    get_forwarded_ip = function() return ngx.var.remote_addr end,
  },
  service = {
    request = {
      set_header = function(name, value)
        if name:lower() == "host" then
          ngx.var.upstream_host = value
        else
          ngx.req.set_header(name, value)
        end
      end,
    },
    set_target = function(host, port)
      ngx.var.upstream_host = host
      ngx.var.target = host .. ":" .. port
    end,
  },
  response = {
    exit = exit,
    set_header = function(name, value) ngx.header[name] = value end,
    add_header = function(name, value)
      local found = ngx.header[name]
      ngx.header[name] = found and { found, value } or value
    end,
    get_source = function()
      if ngx.ctx.exited then
        return "exit"
      end
      return tonumber(ngx.var.upstream_header_time) and "service" or "error"
    end,
  },
}

-- In nginx's master process, at the start and at each reload.
function stand_in.init(path)
  local file = assert(io.open(path))
  routes = cjson.decode(file:read("*a"))
  file:close()
  local seq = 0
  for id, route in pairs(routes) do
    seq = seq + 1
    route.config.route_id = id
    route.config.__key__ = "plugins:serverless:" .. id
    route.config.__seq__ = ngx.time() * 1000 + seq
  end
  Plugin = require "kong.plugins.serverless.handler"
end

function stand_in.init_worker()
  Plugin:init_worker()
  local confs = {}
  for _, route in pairs(routes) do
    confs[#confs + 1] = route.config
  end
  Plugin:configure(confs)
end

-- The entries of the shared dictionary, each with the seconds it has left; 0: no expiry.
local function entries()
  local dict = ngx.shared.kong_serverless
  local left = {}
  for _, name in ipairs(dict:get_keys(0)) do
    left[name] = dict:ttl(name)
  end
  return left
end

function stand_in.access()
  local headers = ngx.req.get_headers()
  if headers["x-entries"] then
    ngx.print(cjson.encode(entries()))
    return ngx.exit(200)
  end
  if headers["x-collect-garbage"] then
    collectgarbage()
    return ngx.exit(200)
  end
  local ctx = ngx.ctx
  ctx.route = routes[headers["x-route"] or "route"]
  if headers["x-exit-before"] then
    return exit(401)
  end
  Plugin:access(ctx.route.config)
  if headers["x-exit-behind"] then
    return exit(418)
  end
  if headers["x-no-peer"] then
    return exit(503)
  end
end

function stand_in.log()
  local ctx = ngx.ctx
  -- A request that nginx itself refused.
  if not ctx.route then
    return
  end
  if ngx.req.get_headers()["x-log-fails"] then
    error("an earlier plugin's log handler")
  end
  Plugin:log(ctx.route.config)
end

return stand_in
