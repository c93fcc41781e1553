-- The session log: numbered events, appended and published. `data` is JSON text.
local LOG_TAIL = 100000 -- entries kept in Redis; older ones are told to readers as a reset, never hidden

-- One event for each text in `list`. Returns the offset of the last.
local function append_all(session, kind, agent, name, list)
  local meta, log, channel = K.session(session), K.log(session), K.session_channel(session)
  local last = redis.call('HINCRBY', meta, 'offset', #list)
  local head = '{"epoch":"' .. redis.call('HGET', meta, 'epoch') .. '","offset":'
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
