-- Asks the plugin server: JSON over HTTP/1.1 on a unix socket, with connections kept alive. A question is repeated when
-- the server goes away before it has answered, so a restart of the server merely delays held requests.

local cjson = require "cjson.safe"

local clock = require "kong.plugins.serverless.clock"

local CONNECT_MS = 1000
local SEND_MS = 5000
-- The server sends an interim response (102) every 15 s while it holds a request.
local HOLD_READ_MS = 40000
local REPORT_READ_MS = 1000
-- Below the server's own limit, so that it is this side that closes.
local IDLE_MS = 50000
local POOL_SIZE = 256
-- How long to wait for a server that restarts. The pauses between attempts grow, because nginx logs every failure.
local ABSENCE_SECONDS = 5
local FIRST_PAUSE_SECONDS = 0.05
local LONGEST_PAUSE_SECONDS = 0.5
local MAX_ATTEMPTS = 3

-- Read here because the module is loaded in nginx's master process: workers see no environment.
local configured_path = os.getenv("KONG_SERVERLESS_HTTP_SOCKET")

local plugin_server = {}

function plugin_server.socket_path()
  return configured_path or (kong.configuration.prefix .. "/serverless-http.socket")
end

-- Retries: the server may be about to listen, or its listen queue may be full for a moment.
local function connect(read_ms, wait_seconds)
  local address = "unix:" .. plugin_server.socket_path()
  local deadline = clock.now() + wait_seconds
  local pause = FIRST_PAUSE_SECONDS
  while true do
    local socket = ngx.socket.tcp()
    socket:settimeouts(CONNECT_MS, SEND_MS, read_ms)
    local ok, err = socket:connect(address)
    if ok then
      return socket
    end
    if clock.now() + pause > deadline then
      return nil, err
    end
    ngx.sleep(pause)
    pause = math.min(pause * 2, LONGEST_PAUSE_SECONDS)
  end
end

local function read_head(socket)
  local line, err = socket:receive("*l")
  if not line then
    return nil, err
  end
  local status = tonumber(line:match("^HTTP/1%.1 (%d%d%d)"))
  if not status then
    return nil, "no HTTP response"
  end
  local length = 0
  local is_last = false
  while true do
    line, err = socket:receive("*l")
    if not line then
      return nil, err
    end
    if line == "" then
      return status, length, is_last
    end
    line = line:lower()
    length = tonumber(line:match("^content%-length:%s*(%d+)")) or length
    is_last = is_last or line:match("^connection:%s*close") ~= nil
  end
end

local function read_response(socket)
  local status, length, is_last
  repeat
    status, length, is_last = read_head(socket)
    if not status then
      return nil, length
    end
  until status >= 200
  local body = ""
  if length > 0 then
    local err
    body, err = socket:receive(length)
    if not body then
      return nil, err
    end
  end
  return status, cjson.decode(body), is_last
end

-- The third value: whether asking again is pointless.
local function ask_once(path, question, read_ms, wait_seconds, arrived_at)
  local socket, err = connect(read_ms, wait_seconds)
  if not socket then
    return nil, err, true
  end
  -- Only now: connecting may have meant waiting for a server that restarts.
  question.waitedMs = arrived_at and math.floor((clock.now() - arrived_at) * 1000)
  local text, sent
  text, err = cjson.encode(question)
  if not text then
    socket:close()
    return nil, err, true
  end
  sent, err = socket:send({
    "POST ", path, " HTTP/1.1\r\nhost: plugin-server\r\n",
    "content-type: application/json\r\ncontent-length: ", #text, "\r\n\r\n", text,
  })
  if not sent then
    socket:close()
    return nil, err
  end
  local status, answer, is_last = read_response(socket)
  -- The server wants us to reconnect when another one has taken over its path.
  if not status or is_last then
    socket:close()
  else
    socket:setkeepalive(IDLE_MS, POOL_SIZE)
  end
  return status, answer
end

local function ask(path, question, read_ms, wait_seconds, arrived_at)
  local status, answer, is_pointless
  for _ = 1, MAX_ATTEMPTS do
    status, answer, is_pointless = ask_once(path, question, read_ms, wait_seconds, arrived_at)
    if status or is_pointless then
      break
    end
  end
  return status, answer
end

-- Asks what to do with a request that arrived at `arrived_at`; yields for as long as it is held. Returns the status and
-- the answer, or nil and the reason.
function plugin_server.decide(question, arrived_at)
  return ask("/requests", question, HOLD_READ_MS, ABSENCE_SECONDS, arrived_at)
end

function plugin_server.report(state)
  return ask("/report", state, REPORT_READ_MS, 0)
end

return plugin_server
