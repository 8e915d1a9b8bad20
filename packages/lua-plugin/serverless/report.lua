-- Keeps the plugin server informed: one worker of all tells it what is in flight, and learns how long the leases are.
-- Everything is told as it is now, never as a change, so that either side may restart: the next report heals it.

local clock = require "kong.plugins.serverless.clock"
local entities = require "kong.plugins.serverless.entities"
local leases = require "kong.plugins.serverless.leases"
local plugin_server = require "kong.plugins.serverless.plugin_server"
local traffic = require "kong.plugins.serverless.traffic"

local dict = ngx.shared.kong_serverless

local TICK_SECONDS = 0.1
-- Without a change, so that the server does not take the gateway for gone.
local IDLE_SECONDS = 1
local FAILURE_SECONDS = 0.3
-- Five ticks that the leading worker misses are its end.
local LEAD_SECONDS = 0.5
-- Rounds in which the server may ask for configurations at once.
local MAX_ROUNDS = 5

local report = {}

local slot
local is_busy = false
local told_changes, told_generation
local told_at = 0
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

-- The same for all workers and reloads, another one after a restart of nginx.
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
    kong.log.warn("the plugin server cannot be told what is in flight: ", why)
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
  local is_due = changes ~= told_changes or entities.generation ~= told_generation or now - told_at >= IDLE_SECONDS
  if not is_due then
    return
  end
  local generation = entities.generation
  local configured = generation ~= told_generation and entities.configured() or nil
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
      -- Whether the counts of what has passed begin with this report, for any server.
      isFirst = not dict:get("told"),
      backends = totals,
      unreachable = unreachable,
      entities = configured,
      configurations = wanted and configurations(wanted),
    })
    if not answer then
      return
    end
    dict:set("told", true)
    for key, ms in pairs(answer.leases) do
      leases.grant("lease:" .. key, ms, unreachable[key])
    end
    wanted = next(answer.wanted) and answer.wanted or nil
    -- A server that has just started knows no gateway.
    configured = answer.wantsEntities and entities.configured() or nil
    if not wanted and not configured then
      told_changes, told_generation, told_at = changes, generation, now
      return
    end
  end
end

local function tick(premature)
  if premature then
    traffic.drain()
    if dict:get("leader") == slot then
      dict:delete("leader")
    end
    return
  end
  traffic.publish()
  if not leads() or is_busy then
    return
  end
  is_busy = true
  local ok, err = pcall(exchange)
  is_busy = false
  if not ok then
    kong.log.err(err)
  end
end

function report.start()
  slot = traffic.start()
  -- Kong's own timers (resty.timerng) know nothing of a worker that exits.
  local every = _G.native_timer_every or ngx.timer.every
  local ok, err = every(TICK_SECONDS, tick)
  if not ok then
    kong.log.crit("the timer that reports to the plugin server cannot be made: ", err)
  end
end

return report
