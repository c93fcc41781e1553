-- The session log: numbered events, appended and published. `data` is JSON text.
local LOG_TAIL = 100000   -- entries kept without a long history; older ones are told to readers as a reset, never hidden
local BACKLOG = 1000000   -- entries that may wait for the long history; then nothing more is accepted into the session

-- What is too much for those who watch a whole workspace, and of interest only to those who watch the session.
local UNTOLD = {['agent.frame'] = true, ['message.receipt'] = true}

local metas = {}          -- a script appends to one session several times
local function meta_of(session)
  metas[session] = metas[session] or fields(K.session(session), 'epoch', 'shipped')
  return metas[session]
end

-- Why a session can take no more for now; nil when it can. Nothing that was accepted is ever dropped.
local function backlog_full(session)
  local m = fields(K.session(session), 'offset', 'shipped')
  if not m.shipped or tonumber(m.offset) - tonumber(m.shipped) < BACKLOG then return nil end
  return refuse('Unavailable', 'LOG_BACKLOG_FULL', 'the log store has been away for too long; the session goes on when it is back')
end

-- One event for each text in `list`. Returns the offset of the last. A session that was deleted takes none.
local function append_all(session, kind, agent, name, list)
  local meta = meta_of(session)
  if not meta.epoch then return 0 end
  local log, channel = K.log(session), K.session_channel(session)
  local activity = not UNTOLD[kind] and K.activity_channel()
  local last = redis.call('HINCRBY', K.session(session), 'offset', #list)
  local head = '{"epoch":"' .. meta.epoch .. '","offset":'
  local about = ',"kind":"' .. kind .. '","at_ms":' .. NOW .. ',"agent":' .. json(agent) .. ',"name":' .. json(name)
    .. ',"data":'
  for i, data in ipairs(list) do
    local offset = last - #list + i
    local event = head .. offset .. about .. data .. '}'
    redis.call('XADD', log, offset .. '-0', 'e', event)
    redis.call('PUBLISH', channel, event)
    if activity then redis.call('PUBLISH', activity, session .. ' ' .. event) end
  end
  if not meta.shipped then
    redis.call('XTRIM', log, 'MAXLEN', '~', LOG_TAIL)
  elseif redis.call('SADD', K.unshipped(), session) == 1 then
    redis.call('PUBLISH', SHIP_CHANNEL, ROOT)
  end
  return last
end

local function append(session, kind, agent, name, data) return append_all(session, kind, agent, name, {data}) end
