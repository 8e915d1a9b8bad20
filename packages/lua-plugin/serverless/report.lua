-- Keeps the plugin server informed: one elected worker reports what is in flight, and learns how long the leases are.
-- A report is a state, never a change, so either side may restart: the next report puts things right.

local clock = require "kong.plugins.serverless.clock"
local entities = require "kong.plugins.serverless.entities"
local leases = require "kong.plugins.serverless.leases"
local plugin_server = require "kong.plugins.serverless.plugin_server"
local traffic = require "kong.plugins.serverless.traffic"

local dict = ngx.shared.kong_serverless

local TICK_SECONDS = 0.1
-- When nothing has changed, so that the server knows the gateway is still there.
local IDLE_SECONDS = 1
local FAILURE_SECONDS = 0.3
-- A leader that misses five ticks is replaced.
local LEAD_SECONDS = 0.5
-- How often, and for how long at most, a worker that exits reports.
local DRAIN_TICK_SECONDS = 0.3
local DRAIN_SECONDS = 3600
-- How often in a row the server may ask for more configurations.
local MAX_ROUNDS = 5

-- Kong's own timers (resty.timerng) do not notice that a worker exits.
local native_timer_at = _G.native_timer_at or ngx.timer.at
local native_timer_every = _G.native_timer_every or ngx.timer.every

local report = {}

local slot
local is_busy = false
local is_draining = false
local reported_changes, reported_generation
local reported_at = 0
local failure
local failed_at = 0

local function leads()
  local leader = dict:get("leader")
  if leader == slot then
    dict:set("leader", slot, LEAD_SECONDS)
    return true
  end
  return leader == nil and dict:add("leader", slot, LEAD_SECONDS) == true
end

-- Shared by all workers and kept over reloads; a restart of nginx makes a new one.
local function gateway_id()
  local id = dict:get("gateway")
  if not id then
    dict:add("gateway", ngx.md5(ngx.worker.pid() .. clock.now() .. math.random()))
    id = dict:get("gateway")
  end
  return id
end

local function configurations(ids)
  local found = {}
  for id in pairs(ids) do
    found[id] = entities.configuration(id)
  end
  return found
end

local function send(state)
  local status, answer = plugin_server.report(state)
  if status == 200 and type(answer) == "table" then
    failure = nil
    return answer
  end
  local why = "no usable answer (" .. tostring(status or answer) .. ")"
  if why ~= failure then
    kong.log.warn("cannot report what is in flight to the plugin server: ", why)
  end
  failure = why
  failed_at = clock.now()
  return nil
end

local function exchange()
  local now = clock.now()
  local changes = dict:get("changes") or 0
  if failure and now - failed_at < FAILURE_SECONDS then
    return
  end
  local is_changed = changes ~= reported_changes or entities.generation ~= reported_generation
  local is_due = is_changed or now - reported_at >= IDLE_SECONDS
  if not is_due then
    return
  end
  local generation = entities.generation
  local configured = generation ~= reported_generation and entities.configured() or nil
  local wanted
  for _ = 1, MAX_ROUNDS do
    local totals = traffic.totals()
    local unreachable = {}
    for key in pairs(totals) do
      if leases.is_failed("lease:" .. key) then
        unreachable[key] = true
      end
    end
    local answer = send({
      gateway = gateway_id(),
      -- Whether no server has taken a report of this gateway yet.
      isFirst = not dict:get("reported"),
      backends = totals,
      unreachable = unreachable,
      entities = configured,
      configurations = wanted and configurations(wanted),
    })
    if not answer then
      return
    end
    dict:set("reported", true)
    for key, ms in pairs(answer.leases) do
      leases.grant("lease:" .. key, ms, unreachable[key])
    end
    wanted = next(answer.wanted) and answer.wanted or nil
    -- A server that has just started does not know what the gateway is configured with.
    configured = answer.wantsEntities and entities.configured() or nil
    if not wanted and not configured then
      reported_changes, reported_generation, reported_at = changes, generation, now
      return
    end
  end
end

local function try_exchange()
  is_busy = true
  local ok, err = pcall(exchange)
  is_busy = false
  if not ok then
    kong.log.err(err)
  end
end

-- Reports until a worker that exits has no more requests in flight, unless a worker that stays does so. The handler
-- keeps the worker alive while it sleeps, hence the limit: a mark might never be collected.
local function report_until_drained()
  if is_draining then
    return
  end
  is_draining = true
  local deadline = clock.now() + DRAIN_SECONDS
  local is_last
  repeat
    ngx.sleep(DRAIN_TICK_SECONDS)
    traffic.publish()
    is_last = not traffic.has_open() or clock.now() > deadline
    if dict:add("leader", slot, LEAD_SECONDS) then
      try_exchange()
      dict:delete("leader")
    end
  until is_last
  is_draining = false
end

local function tick(premature)
  if premature then
    if dict:get("leader") == slot then
      dict:delete("leader")
    end
    -- A request that was held when the worker began to exit may be let pass after all others have ended.
    traffic.drain(function()
      native_timer_at(0, report_until_drained)
    end)
    return
  end
  traffic.publish()
  if leads() and not is_busy then
    try_exchange()
  end
end

function report.start()
  slot = traffic.start()
  local ok, err = native_timer_every(TICK_SECONDS, tick)
  if not ok then
    kong.log.crit("cannot create the timer for reports to the plugin server: ", err)
  end
end

return report
