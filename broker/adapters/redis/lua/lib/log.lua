-- uses: history run_wakings
-- The session log: numbered events, appended and published. `data` is JSON text.

-- What is too much for those who watch a whole workspace, and of interest only to those who watch the session.
local UNTOLD = {['agent.frame'] = true, ['message.receipt'] = true}

-- What hooks wait for (`domain.hooks.happenings.WAITED_FOR`).
local HOOKED = {
  ['agent.ready'] = true, ['agent.state'] = true, ['agent.deaf'] = true, ['agent.exited'] = true,
  ['agent.released'] = true, ['agent.frame'] = true, ['message.receipt'] = true,
  ['turn.started'] = true, ['turn.ended'] = true, ['approval.requested'] = true, ['approval.resolved'] = true,
  ['message.accepted'] = true, ['budget.warning'] = true, ['budget.spent'] = true, ['workflow.started'] = true,
  ['workflow.ended'] = true, ['step.started'] = true, ['step.changed'] = true,
}

-- A replica that became the primary may lack events that were read and shipped. Their numbers are given to others from
-- here on, so the log begins a new epoch, whose name says where it leaves the old one: readers who were beyond that are
-- told. After very many of them it begins a history of its own.
local LONGEST_EPOCH = 256
local function fork_log(session, meta, history)
  local tag = string.sub(redis.sha1hex(session .. history), 1, 8)
  local epoch = string.format('%s.%d-%s', meta.epoch, meta.offset, tag)
  meta.epoch = #epoch <= LONGEST_EPOCH and epoch or tag
  redis.call('HSET', K.session(session), 'epoch', meta.epoch)
  if not meta.shipped then return end
  redis.call('HSET', K.session(session), 'shipped', math.min(tonumber(meta.shipped), tonumber(meta.offset)))
end

local metas = {}                 -- a script appends to one session several times
local function meta_of(session)
  if metas[session] then return metas[session] end
  local meta = fields(K.session(session), 'epoch', 'offset', 'shipped', 'history', 'dropped')
  metas[session] = meta
  local history, is_promoted = store_history()
  if meta.epoch and history and meta.history ~= history then
    if meta.history and is_promoted then fork_log(session, meta, history) end
    redis.call('HSET', K.session(session), 'history', history)
  end
  return meta
end

-- Bytes written up to and with an offset; too few by what one mark covers at most.
local function written_at(session, offset)
  local mark = redis.call('ZREVRANGEBYSCORE', K.sizes(session), offset, '-inf', 'LIMIT', 0, 1)[1]
  return mark and tonumber(string.match(mark, ':(%d+)$')) or 0
end

-- Bytes of all the workspace's logs that are held here. What was written before they were counted is none of them.
local function held_bytes() return tonumber(redis.call('HGET', K.workspace(), 'log_bytes') or '0') end

local function is_crowded() return held_bytes() >= T.workspace_log_bytes / 2 end

-- Notes that of what was written to a session its first bytes, so many, are held here no longer.
local function note_dropped(session, bytes)
  local before = tonumber(redis.call('HGET', K.session(session), 'dropped') or '0')
  if bytes <= before then return end
  redis.call('HSET', K.session(session), 'dropped', string.format('%d', bytes))
  redis.call('HINCRBY', K.workspace(), 'log_bytes', string.format('%d', before - bytes))
end

-- The same of all that was written.
local function note_all_dropped(session)
  note_dropped(session, tonumber(redis.call('HGET', K.session(session), 'written') or '0'))
end

-- Why a session can take no more for now; nil when it can. Nothing that was accepted is ever dropped.
local function backlog_full(session)
  if held_bytes() >= T.workspace_log_bytes then
    return refuse('Unavailable', 'WORKSPACE_LOGS_FULL', 'the logs of this workspace take all the room that one may have here; they go on when the log store has more of them, or when sessions are deleted')
  end
  local m = fields(K.session(session), 'offset', 'shipped', 'written')
  if not m.shipped then return nil end
  local written = tonumber(m.written or '0')
  local is_full = tonumber(m.offset) - tonumber(m.shipped) >= T.backlog_events
    or written >= T.backlog_bytes and written - written_at(session, m.shipped) >= T.backlog_bytes
  if not is_full then return nil end
  return refuse('Unavailable', 'LOG_BACKLOG_FULL', 'the log store has been away for too long; the session goes on when it is back')
end

-- Lets go of the oldest entries: all up to `offset`, and of more, but none behind `last`, as long as `bytes` are kept.
local function trim_log(session, offset, last, bytes)
  local sizes, most = K.sizes(session), written_at(session, last) - bytes
  for _, mark in ipairs(redis.call('ZRANGEBYSCORE', sizes, '-inf', last)) do
    local at, written = string.match(mark, '^(%d+):(%d+)$')
    if tonumber(written) <= most then offset = math.max(offset, tonumber(at)) end
  end
  redis.call('XTRIM', K.log(session), 'MINID', (offset + 1) .. '-0')
  -- The last mark ahead of what is kept stays: the rest is counted from it.
  local over = redis.call('ZCOUNT', sizes, '-inf', offset) - 1
  if over > 0 then redis.call('ZREMRANGEBYRANK', sizes, 0, over - 1) end
  note_dropped(session, written_at(session, offset))
end

-- Sets a mark at an event that takes a log's bytes from `before` to `after`, when it is due. Whether it was.
local function set_mark(session, offset, before, after)
  if math.floor(after / T.size_mark_bytes) == math.floor(before / T.size_mark_bytes) then return false end
  redis.call('ZADD', K.sizes(session), offset, string.format('%d:%d', offset, after))
  return true
end

-- Counts what was written. Whether a mark was set.
local function count_bytes(session, meta, last, events)
  local bytes, marked = 0, false
  for _, event in ipairs(events) do bytes = bytes + #event end
  local written = redis.call('HINCRBY', K.session(session), 'written', bytes) - bytes
  redis.call('HINCRBY', K.workspace(), 'log_bytes', bytes)
  if not meta.dropped then
    meta.dropped = string.format('%d', written)
    redis.call('HSET', K.session(session), 'dropped', meta.dropped)
  end
  for i, event in ipairs(events) do
    if set_mark(session, last - #events + i, written, written + #event) then marked = true end
    written = written + #event
  end
  return marked
end

-- Has whoever looks after hooks look at a session, from an offset on.
local function let_hooks_look(session, offset)
  if redis.call('EXISTS', K.hooks()) == 1 and redis.call('ZADD', K.hooks_due(), 'NX', offset, session) == 1 then
    redis.call('PUBLISH', HOOK_CHANNEL, ROOT)
  end
end

-- Events in groups of what is the same for them: {kind, agent, name, list of data}, one event for each text in a list.
-- Returns the offset of the last. A session that was deleted takes none.
local function append_groups(session, groups)
  local meta, count = meta_of(session), 0
  for _, group in ipairs(groups) do count = count + #group[4] end
  if not meta.epoch or count == 0 then return 0 end
  local log, channel, activity = K.log(session), K.session_channel(session), K.activity_channel()
  local last = redis.call('HINCRBY', K.session(session), 'offset', count)
  local head = '{"epoch":"' .. meta.epoch .. '","offset":'
  local events, hooked = {}, nil
  for _, group in ipairs(groups) do
    local kind, is_told = group[1], not UNTOLD[group[1]]
    -- Put together by hand: what is the same for all of them once, as there may be a hundred.
    local about = ',"kind":"' .. kind .. '","at_ms":' .. NOW .. ',"agent":' .. value_text(group[2]) .. ',"name":'
      .. value_text(group[3]) .. ',"data":'
    if HOOKED[kind] then hooked = hooked or last - count + #events + 1 end
    for _, data in ipairs(group[4]) do
      local offset = last - count + #events + 1
      local event = head .. offset .. about .. data .. '}'
      events[#events + 1] = event
      redis.call('XADD', log, offset .. '-0', 'e', event)
      redis.call('PUBLISH', channel, event)
      if is_told then redis.call('PUBLISH', activity, session .. ' ' .. event) end
    end
  end
  local marked = count_bytes(session, meta, last, events)
  if not meta.shipped then
    redis.call('XTRIM', log, 'MAXLEN', '~', T.tail_events)
    if marked then trim_log(session, 0, last, is_crowded() and T.crowded_tail_bytes or T.tail_bytes) end
  elseif redis.call('SADD', K.unshipped(), session) == 1 then
    redis.call('PUBLISH', SHIP_CHANNEL, ROOT)
  end
  if hooked then let_hooks_look(session, hooked) end
  for _, group in ipairs(groups) do wake_runs(session, group[1], group[2], group[4]) end
  return last
end

local function append_all(session, kind, agent, name, list)
  return append_groups(session, {{kind, agent, name, list}})
end

local function append(session, kind, agent, name, data) return append_all(session, kind, agent, name, {data}) end
