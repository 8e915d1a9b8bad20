-- The plugin's configurations as this worker knows them. The plugin server gets to know each by an id and is told the
-- rest when it asks.

local matcher = require "kong.plugins.serverless.matcher"

local entities = {
  -- Grows with each change of the gateway's configuration.
  generation = 0,
}

-- By the configuration that Kong hands to the phases. An entity must not refer to it, or it would never be forgotten.
local known = setmetatable({}, { __mode = "k" })
-- What the gateway is configured with now, by id.
local configured = {}

local function given(value)
  if value == nil or value == ngx.null then
    return nil
  end
  return value
end

-- The same text for the same value, whatever the order of a table's fields.
local function canonical(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  local parts = {}
  if #value > 0 then
    for index, element in ipairs(value) do
      parts[index] = canonical(element)
    end
  else
    for name, field in pairs(value) do
      if given(field) ~= nil and tostring(name):sub(1, 2) ~= "__" then
        parts[#parts + 1] = tostring(name) .. "=" .. canonical(field)
      end
    end
    table.sort(parts)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function new(conf)
  local backends = {}
  local is_only = #conf.backend == 1
  for index, backend in ipairs(conf.backend) do
    local target, hosts = given(backend.target), given(backend.hosts)
    if hosts and #hosts == 0 then
      hosts = nil
    end
    -- `key` and `lease` are filled in with the plugin server's first answer.
    local name = given(backend.name) or given(backend.topic)
    backends[index] = { index = index - 1, name = name, target = target, hosts = hosts }
    is_only = is_only and not target and not hosts
  end
  return {
    id = ngx.md5(tostring(conf.__key__) .. canonical(conf)),
    only = is_only and backends[1] or nil,
    rules = matcher.rules(backends),
  }
end

function entities.of(conf)
  local entity = known[conf]
  if not entity then
    entity = new(conf)
    known[conf] = entity
  end
  return entity
end

-- All configurations of the plugin, at the start and after each change.
function entities.configure(confs)
  configured = {}
  for _, conf in ipairs(confs or {}) do
    configured[entities.of(conf).id] = conf
  end
  entities.generation = entities.generation + 1
end

function entities.ids()
  local ids = {}
  for id in pairs(configured) do
    ids[id] = true
  end
  return ids
end

function entities.configuration(id)
  return configured[id]
end

-- The backend that a request is for.
function entities.match(entity)
  if entity.only then
    return entity.only
  end
  return matcher.find(entity.rules, kong.request.get_path(), kong.request.get_host() or "")
end

return entities
