-- Finds which of a plugin's backends a request is for. Works like apps/kong-plugin/src/backend-router.ts: one table of
-- cases tests both.

local matcher = {}

local function specificity(host)
  if host == "" then
    return 0
  end
  return host:sub(1, 2) == "*." and #host or 1000 + #host
end

local function is_host(name, pattern)
  if pattern == "" or name == pattern then
    return true
  end
  if pattern:sub(1, 2) ~= "*." then
    return false
  end
  local suffix = pattern:sub(2)
  return name:sub(-#suffix) == suffix
end

-- `/kong` and `/kong/x` are below `/kong`; `/kongfoo` is not.
local function is_below(path, prefix)
  if path:sub(1, #prefix) ~= prefix then
    return false
  end
  return #path == #prefix or prefix:sub(-1) == "/" or path:sub(#prefix + 1, #prefix + 1) == "/"
end

-- `target` and `hosts` of each backend are optional. The longest target wins; for equal targets an exact host beats a
-- wildcard, which beats any host; after that, the order of the configuration decides.
function matcher.rules(backends)
  local rules = {}
  for _, backend in ipairs(backends) do
    for _, host in ipairs(backend.hosts or { "" }) do
      local rule = { host = host, target = backend.target or "/", backend = backend }
      rules[#rules + 1] = rule
      rule.order = #rules
    end
  end
  table.sort(rules, function(a, b)
    if #a.target ~= #b.target then
      return #a.target > #b.target
    end
    local a_host, b_host = specificity(a.host), specificity(b.host)
    if a_host ~= b_host then
      return a_host > b_host
    end
    return a.order < b.order
  end)
  return rules
end

-- `path` decoded and normalised; `host` without a port, in any case.
function matcher.find(rules, path, host)
  local name = host:lower()
  for _, rule in ipairs(rules) do
    if is_host(name, rule.host) and is_below(path, rule.target) then
      return rule.backend
    end
  end
  return nil
end

return matcher
