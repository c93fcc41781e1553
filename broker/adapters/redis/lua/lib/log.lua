-- The session log: numbered events, appended and published. `data` is JSON text.
local LOG_TAIL = 100000 -- entries kept in Redis; older ones are told to readers as a reset, never hidden

local epochs = {}       -- a script appends to one session several times
local function epoch_of(session)
  epochs[session] = epochs[session] or redis.call('HGET', K.session(session), 'epoch')
  return epochs[session]
end

-- One event for each text in `list`. Returns the offset of the last.
local function append_all(session, kind, agent, name, list)
  local log, channel = K.log(session), K.session_channel(session)
  local last = redis.call('HINCRBY', K.session(session), 'offset', #list)
  local head = '{"epoch":"' .. epoch_of(session) .. '","offset":'
  local about = ',"kind":"' .. kind .. '","at_ms":' .. NOW .. ',"agent":' .. json(agent) .. ',"name":' .. json(name)
    .. ',"data":'
  for i, data in ipairs(list) do
    local offset = last - #list + i
    local event = head .. offset .. about .. data .. '}'
    redis.call('XADD', log, 'MAXLEN', '~', LOG_TAIL, offset .. '-0', 'e', event)
    redis.call('PUBLISH', channel, event)
  end
  return last
end

local function append(session, kind, agent, name, data) return append_all(session, kind, agent, name, {data}) end
