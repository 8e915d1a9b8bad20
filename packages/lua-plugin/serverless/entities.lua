-- The plugin's configurations as this worker knows them. Each has an id, which is all that the plugin server gets until
-- it asks for the rest.

local matcher = require "kong.plugins.serverless.matcher"

local entities = {
  -- Grows with each change of the gateway's configuration.
  generation = 0,
}

-- Kong numbers configurations from 1 after each restart, which the plugin server may outlive; here later ones always
-- get higher numbers. Read in nginx's master process. Counted from 2023 because cjson writes no more than 14 digits.
local first_seq = (ngx.time() - 1672531200) * 100000

-- Keyed by the configuration that Kong hands to the phases. An entity must not refer to it, or neither would ever be
-- collected.
local known = setmetatable({}, { __mode = "k" })
-- What the gateway is configured with now, keyed by id.
local configured = {}

local function given(value)
  if value == nil or value == ngx.null then
    return nil
  end
  return value
end

-- Fields that Kong adds to the operator's.
local function is_kongs(name)
  return name:sub(1, 2) == "__"
end

-- The same text for the same value, whatever the order of a table's fields. `is_left_out` applies at the top level
-- only.
local function canonical(value, is_left_out)
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
      if given(field) ~= nil and not (is_left_out and is_left_out(tostring(name))) then
        parts[#parts + 1] = tostring(name) .. "=" .. canonical(field)
      end
    end
    table.sort(parts)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function new(conf)
  local backends = {}
  for index, backend in ipairs(conf.backend) do
    local target, hosts = given(backend.target), given(backend.hosts)
    if hosts and #hosts == 0 then
      hosts = nil
    end
    if backend.routed ~= false then
      -- `key` and `lease` are filled in with the plugin server's first answer.
      local name = given(backend.name) or given(backend.topic)
      backends[#backends + 1] = { index = index - 1, name = name, target = target, hosts = hosts }
    end
  end
  local only = #backends == 1 and backends[1]
  return {
    id = ngx.md5(tostring(conf.__key__) .. canonical(conf, is_kongs)),
    -- Higher for later ones. Not part of the id: Kong renumbers all configurations when one of them changes.
    seq = first_seq + (conf.__seq__ or 0),
    only = only and not only.target and not only.hosts and only or nil,
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

-- The numbers of all current configurations, keyed by id.
function entities.configured()
  local seqs = {}
  for id, conf in pairs(configured) do
    seqs[id] = entities.of(conf).seq
  end
  return seqs
end

-- A configuration as the plugin server takes it.
function entities.described(conf)
  local described = {}
  for name, value in pairs(conf) do
    described[name] = value
  end
  described.__seq__ = entities.of(conf).seq
  return described
end

function entities.configuration(id)
  local conf = configured[id]
  return conf and entities.described(conf)
end

-- The backend that a request is for.
function entities.match(entity)
  if entity.only then
    return entity.only
  end
  return matcher.find(entity.rules, kong.request.get_path(), kong.request.get_host() or "")
end

return entities
