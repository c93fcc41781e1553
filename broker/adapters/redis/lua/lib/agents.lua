-- uses: log outbox receipts budgets
-- An agent and its messages: state changes, hand-over of what waits.
local NUDGE = 'Your process was restarted while you were working on the previous message. '
  .. 'Go on from where you stopped, do not repeat steps that are already done, and if you had finished, just say so.'

local function load_agent(agent)
  return fields(K.agent(agent), 'id', 'session', 'name', 'state', 'link', 'proxy', 'generation', 'native', 'turn',
    'can_steer', 'cli', 'cwd', 'cwd_real', 'model', 'instructions', 'spawner', 'restarts', 'restarts_since', 'acked', 'ready', 'blank',
    'asked_by', 'worktree', 'readonly', 'writes', 'held')
end

-- What was seen of a process, or of a state, that is over.
local function forget_glimpse(a) redis.call('HDEL', K.agent(a.id), 'call', 'doing') end

-- `...`: further names and values of the event.
local function set_state(a, state, ...)
  if a.state == state then return end
  local was = a.state
  a.state = state
  redis.call('HSET', K.agent(a.id), 'state', state, 'since', NOW)
  forget_glimpse(a)
  append(a.session, 'agent.state', a.id, a.name,
    object('state', state, 'was', was, ...))
  if state == 'working' then
    hold_budget(a)
  elseif state ~= 'deaf' and state ~= 'lost' then -- it may be at work all the same
    settle_budget(a)
  end
end

local function machine_name(proxy) return redis.call('HGET', K.link(proxy), 'name') or nil end

local function has_ended(a) return a.state == 'released' or a.state == 'failed' end

-- Out of `lost` or `deaf`: to what it was doing. One that never said it was ready is still starting.
local function back_to_work(a)
  local busy = redis.call('LLEN', K.inflight(a.id)) > 0
  set_state(a, a.ready ~= a.generation and 'starting' or busy and 'working' or 'idle')
end

-- The message as the recipient reads it; only the role depends on who the recipient is.
local function wire(a, m)
  local role = m.role or (m.sender ~= '' and m.sender == a.spawner and 'lead') or 'peer'
  return m.wire_head .. role .. m.wire_tail
end

local function deliver(a, message, steer)
  local key = K.message(message)
  local m = fields(key, 'wire_head', 'wire_tail', 'role', 'sender', 'expires', 'trace', 'brief')
  if not m.wire_head then -- older than messages are kept
    report_gone(a, message)
    return false
  end
  local attempt = redis.call('HINCRBY', key, 'k:' .. a.id, 1)
  if attempt > T.attempts then
    undeliverable(message, a.id, 'dead_letter')
    return false
  end
  keep_message(message)
  redis.call('RPUSH', K.inflight(a.id), message)
  redis.call('HSET', K.agent(a.id), 'task', m.brief or '')
  redis.call('HDEL', K.agent(a.id), 'blank')
  local ends = attempt == 1 and m.expires and end_for(a.link, tonumber(m.expires))
  command(a.link, 'deliver', 'agent', a.id, 'generation', tonumber(a.generation), 'message_id', message,
    'steer', steer, 'nudge', attempt > 1 and NUDGE or nil,
    'not_after_ms', ends or nil, m.trace and 'trace', m.trace, 'text', raw(wire(a, m)))
  receipt(message, a.id, 'sent', 'how', steer and 'steer' or 'turn')
  wake_at(NOW + T.proof_ms, 'proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
  return true
end

-- The peer has taken a command off its mailbox: a message is received, an answer has arrived.
local function note_taken(entry)
  local order = cjson.decode(entry[2][2])
  -- A delivery to a process that was replaced since is dropped there; its message waits for the next one.
  if order.type == 'deliver' and redis.call('HGET', K.agent(order.agent), 'generation') == tostring(order.generation) then
    receipt(order.message_id, order.agent, 'received')
  elseif order.type == 'answer' and order.approval then
    redis.call('SREM', K.answering(order.agent), order.approval)
    local key = K.approval(order.approval)
    if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'told_ms', NOW) end
  end
end

-- Who has stopped a session, its machine or all of the workspace: JSON, the widest first; nil when nobody has.
local stops_known = {} -- asked once for each place in a script
local function stop_over(session, proxy)
  local place = session .. '|' .. proxy
  if stops_known[place] == nil then
    local found = redis.call('HMGET', K.stops(), 'workspace', 'machine:' .. proxy, 'session:' .. session)
    stops_known[place] = found[1] or found[2] or found[3]
  end
  return stops_known[place] or nil
end

-- Why nothing is started there; nil when it can be.
local function refuse_where_stopped(session, proxy)
  local stop = stop_over(session, proxy)
  if not stop then return nil end
  local s = cjson.decode(stop)
  return refuse('Conflict', 'STOPPED', s.by .. ' has stopped the ' .. s.scope .. (s.name ~= '' and ' ' .. s.name or '')
    .. (s.note ~= '' and ' (' .. s.note .. ')' or '') .. ': nothing is started there until somebody resumes it',
    object('scope', s.scope, 'by', s.by))
end

-- Tells the agent to stop its turn; a turn that goes on all the same means that it is deaf.
local function interrupt(a)
  command(a.link, 'interrupt', 'agent', a.id, 'generation', tonumber(a.generation))
  if a.turn and a.turn ~= '' then
    wake_at(NOW + T.stuck_turn_ms, 'interrupt|' .. a.id .. '|' .. a.generation .. '|' .. a.turn)
  end
end

-- Why nothing can be handed over now; nil when it can.
local function obstacle(a)
  if not has_ended(a) and stop_over(a.session, a.proxy) then return 'stopped' end
  if a.state == 'starting' then return 'agent_starting' end
  if a.state == 'working' then return 'agent_busy' end
  if a.state ~= 'idle' then return 'agent_' .. a.state end
  if not is_online(a.link) then return 'proxy_away' end
  if is_behind(a.link) then return 'proxy_behind' end
  return budget_lack(a)
end

-- Hands the next waiting message to an idle agent. One at a time: vendors treat a second prompt differently.
local function dispatch(a)
  while not obstacle(a) do
    local next_one = redis.call('ZPOPMIN', K.queue(a.id))
    if not next_one[1] then return end
    if deliver(a, next_one[1], false) then
      redis.call('HSET', K.agent(a.id), 'turn', '')
      spend(a, 'turns', 1)
      set_state(a, 'working', 'message', next_one[1])
    end
  end
end

-- A message that was handed over and will not be answered: the agent goes on with the next one.
local function drop_inflight(a, message, reason)
  redis.call('LREM', K.inflight(a.id), 0, message)
  undeliverable(message, a.id, reason)
  if has_ended(a) then return end
  local is_done = redis.call('LLEN', K.inflight(a.id)) == 0 and (a.turn or '') == ''
  if is_done and (a.state == 'working' or a.state == 'deaf') then set_state(a, 'idle') end
  dispatch(a)
end

local function message_bytes(m) return #m.body + #m.wire_head + #m.wire_tail end

-- The id in a row of a session's list of messages.
local function message_of(row) return (string.match(row, '^[^:]+')) end

local function unlist_message(session, row)
  redis.call('ZREM', K.session_messages(session), row)
  redis.call('HINCRBY', K.session(session), 'message_bytes', -tonumber(string.match(row, ':(%d+)$')))
end

-- Why a session can take no message of that size now; nil when it can.
local function messages_full(session, bytes)
  local function is_full()
    return tonumber(redis.call('HGET', K.session(session), 'message_bytes') or '0') + bytes > T.session_message_bytes
  end
  if not is_full() then return nil end
  for _, row in ipairs(redis.call('ZRANGE', K.session_messages(session), 0, 999)) do
    local message = message_of(row)
    if tonumber(redis.call('HGET', K.message(message), 'open') or '0') <= 0 then
      redis.call('UNLINK', K.message(message), K.recipients(message))
      unlist_message(session, row)
    end
  end
  if not is_full() then return nil end
  return refuse('RateLimited', 'MESSAGES_FULL', 'the messages that wait in this session are too large; let its agents take some first')
end

-- `m`: body, wire_head, wire_tail, sender, digest, mode, role or '' when it depends on the recipient, ttl_ms, the first
-- line as `brief`, and how many recipients when not one. `trace`: where it is traced.
local function store_message(id, session, m)
  local key = K.message(id)
  redis.call('HSET', key, 'session', session, 'body', m.body, 'wire_head', m.wire_head, 'wire_tail', m.wire_tail,
    'sender', m.sender, 'digest', m.digest, 'mode', m.mode, 'at', NOW, 'open', m.recipients or 1)
  if filled(m.brief or '') then redis.call('HSET', key, 'brief', m.brief) end
  if m.ttl_ms then redis.call('HSET', key, 'expires', NOW + m.ttl_ms) end
  if m.role ~= '' then redis.call('HSET', key, 'role', m.role) end
  if m.trace then redis.call('HSET', key, 'trace', m.trace) end
  redis.call('EXPIRE', key, T.message_kept_s)
  local all, bytes = K.session_messages(session), message_bytes(m)
  redis.call('ZADD', all, NOW, id .. ':' .. bytes)
  redis.call('EXPIRE', all, 2 * T.message_kept_s)
  redis.call('HINCRBY', K.session(session), 'message_bytes', bytes)
  if NOW % 16 > 0 then return end -- now and then for many: those that are over are few
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', all, '-inf', NOW - 2000 * T.message_kept_s, 'LIMIT', 0, 200)) do
    unlist_message(session, row)
  end
end

-- Numbers a message in one recipient's inbox.
local function enqueue(message, agent)
  local a = load_agent(agent)
  local number = redis.call('HINCRBY', K.agent(agent), 'inbox_seq', 1)
  local key = K.message(message)
  redis.call('XADD', K.inbox(agent), 'MAXLEN', '~', T.queue_messages, number .. '-0', 'm', message)
  redis.call('EXPIRE', K.inbox(agent), 2 * T.message_kept_s)
  redis.call('HSET', key, 'i:' .. agent, number, 'n:' .. agent, a.name)
  redis.call('SADD', K.recipients(message), agent)
  redis.call('EXPIRE', K.recipients(message), T.message_kept_s)
  return a, number
end

-- A message of the relay's own to an agent. `hash`: the same for the same message, sent once. `thread`: what it follows.
local function send_from_relay(a, hash, text, thread)
  local id = string.gsub(string.sub(hash, 1, 32), '(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(.*)', '%1-%2-%3-%4-%5')
  local body = object('id', id, 'from', raw(object('name', 'relay', 'role', 'system', 'agent', nil)), 'to', a.name,
    'text', text, 'mode', 'wait', 'thread', thread)
  store_message(id, a.session, {body = body, sender = '', digest = hash, mode = 'wait', role = 'system',
    wire_head = string.sub(cjson.encode('<relay-message id="' .. id .. '" from="relay" role="'), 1, -2),
    wire_tail = string.sub(cjson.encode('" to="' .. a.name .. '" mode="wait">\n' .. text .. '\n</relay-message>'), 2)})
  local _, number = enqueue(id, a.id)
  append(a.session, 'message.accepted', nil, 'relay',
    extended(body, 'recipients', list_of({object('agent', a.id, 'name', a.name)})))
  redis.call('ZADD', K.queue(a.id), number, id)
  receipt(id, a.id, 'queued')
  dispatch(a)
end

-- An agent whose message cannot be delivered is told so by a message of the relay's own. A lead that released the
-- recipient knows it.
function tell_sender(message, agent, reason)
  local m = fields(K.message(message), 'sender', 'n:' .. agent)
  local a = m.sender and m.sender ~= '' and load_agent(m.sender)
  if not a or not a.id or a.id == agent or has_ended(a) then return end
  if reason == 'agent_released' and redis.call('HGET', K.agent(agent), 'spawner') == a.id then return end
  local text = 'Your message ' .. message .. ' to ' .. m['n:' .. agent] .. ' could not be delivered: ' .. reason .. '.'
  send_from_relay(a, redis.sha1hex(message .. agent), text, message)
end
