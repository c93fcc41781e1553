-- The session log: one numbered event, appended and published. `data` is JSON text.
local LOG_TAIL = 100000 -- entries kept in Redis; older ones are told to readers as a reset, never hidden

local function append(session, kind, agent, name, data)
  local meta = K.session(session)
  local offset = redis.call('HINCRBY', meta, 'offset', 1)
  local epoch = redis.call('HGET', meta, 'epoch')
  local event = '{"epoch":"' .. epoch .. '","offset":' .. offset .. ',"kind":"' .. kind .. '","at_ms":' .. NOW
    .. ',"agent":' .. json(agent) .. ',"name":' .. json(name) .. ',"data":' .. data .. '}'
  redis.call('XADD', K.log(session), 'MAXLEN', '~', LOG_TAIL, offset .. '-0', 'e', event)
  redis.call('PUBLISH', K.session_channel(session), event)
  return offset
end
