-- uses: log outbox receipts
-- An agent's life: state changes, hand-over of waiting messages, restart, end.
local PROOF_MS = 10000        -- a vendor confirms a prompt within milliseconds; silence this long is deafness
local SPAWN_MS = 120000       -- npm cold starts were measured at 4-6 s; a slow disk needs more
local STOP_MS = 20000         -- the proxy's own EOF, TERM, KILL ladder takes 12 s at most
local RESTARTS = 3            -- within RESTART_WINDOW_MS; a process that dies faster is broken
local RESTART_WINDOW_MS = 600000
local ATTEMPTS = 5            -- deliveries of one message before it is a dead letter
local DAY_S = 86400
local ENDED_KEPT_S = 2592000  -- how long an ended agent can be looked up; the log keeps its story
local RESTART_PAUSE_MS = 500  -- before the first restart, four times that before the second, and so on
local QUEUE = 1000           -- messages that may wait for one agent
local MESSAGE_BYTES = 134217728 -- of one session's messages; the oldest of those that are settled are forgotten first
local STUCK_MS = 20000        -- vendors stop a turn within a second of being told
local NUDGE = 'Your process was restarted while you were working on the previous message. '
  .. 'Go on from where you stopped, do not repeat steps that are already done, and if you had finished, just say so.'

local function load_agent(agent)
  return fields(K.agent(agent), 'id', 'session', 'name', 'state', 'link', 'proxy', 'generation', 'native', 'turn',
    'can_steer', 'cli', 'cwd', 'model', 'instructions', 'spawner', 'restarts', 'restarts_since', 'acked', 'ready', 'blank')
end

local function set_state(a, state, more)
  if a.state == state then return end
  local was = a.state
  a.state = state
  redis.call('HSET', K.agent(a.id), 'state', state, 'since', NOW)
  append(a.session, 'agent.state', a.id, a.name,
    '{"state":"' .. state .. '","was":' .. json(was) .. (more or '') .. '}')
end

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
  local m = fields(key, 'wire_head', 'wire_tail', 'role', 'sender', 'expires')
  if not m.wire_head then -- older than messages are kept
    report_gone(a, message)
    return false
  end
  local attempt = redis.call('HINCRBY', key, 'k:' .. a.id, 1)
  if attempt > ATTEMPTS then
    undeliverable(message, a.id, 'dead_letter')
    return false
  end
  keep_message(message)
  redis.call('RPUSH', K.inflight(a.id), message)
  redis.call('HDEL', K.agent(a.id), 'blank')
  command(a.link, '{"type":"deliver","agent":"' .. a.id .. '","generation":' .. a.generation .. ',"message_id":"'
    .. message .. '","text":' .. wire(a, m) .. ',"steer":' .. tostring(steer)
    .. ',"nudge":' .. (attempt > 1 and json(NUDGE) or 'null')
    .. ',"not_after_ms":' .. (attempt == 1 and m.expires or 'null') .. '}')
  receipt(message, a.id, 'sent', ',"how":"' .. (steer and 'steer' or 'turn') .. '"')
  wake_at(NOW + PROOF_MS, 'proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
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
  end
end

-- Tells the agent to stop its turn; a turn that goes on all the same means that it is deaf.
local function interrupt(a)
  command(a.link, '{"type":"interrupt","agent":"' .. a.id .. '","generation":' .. a.generation .. '}')
  if a.turn and a.turn ~= '' then
    wake_at(NOW + STUCK_MS, 'interrupt|' .. a.id .. '|' .. a.generation .. '|' .. a.turn)
  end
end

-- Why nothing can be handed over now; nil when it can.
local function obstacle(a)
  if a.state == 'starting' then return 'agent_starting' end
  if a.state == 'working' then return 'agent_busy' end
  if a.state ~= 'idle' then return 'agent_' .. a.state end
  if not is_online(a.link) then return 'proxy_away' end
  if is_behind(a.link) then return 'proxy_behind' end
  return nil
end

-- Hands the next waiting message to an idle agent. One at a time: vendors treat a second prompt differently.
local function dispatch(a)
  while not obstacle(a) do
    local next_one = redis.call('ZPOPMIN', K.queue(a.id))
    if not next_one[1] then return end
    if deliver(a, next_one[1], false) then
      redis.call('HSET', K.agent(a.id), 'turn', '')
      set_state(a, 'working', ',"message":"' .. next_one[1] .. '"')
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
    return tonumber(redis.call('HGET', K.session(session), 'message_bytes') or '0') + bytes > MESSAGE_BYTES
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

-- `m`: body, wire_head, wire_tail, sender, digest, mode, role or '' when it depends on the recipient, and ttl_ms.
local function store_message(id, session, m)
  local key = K.message(id)
  redis.call('HSET', key, 'session', session, 'body', m.body, 'wire_head', m.wire_head, 'wire_tail', m.wire_tail,
    'sender', m.sender, 'digest', m.digest, 'mode', m.mode, 'at', NOW, 'open', 0)
  if m.ttl_ms then redis.call('HSET', key, 'expires', NOW + m.ttl_ms) end
  if m.role ~= '' then redis.call('HSET', key, 'role', m.role) end
  redis.call('EXPIRE', key, MESSAGE_KEPT_S)
  local all, bytes = K.session_messages(session), message_bytes(m)
  redis.call('ZADD', all, NOW, id .. ':' .. bytes)
  redis.call('EXPIRE', all, 2 * MESSAGE_KEPT_S)
  redis.call('HINCRBY', K.session(session), 'message_bytes', bytes)
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', all, '-inf', NOW - 2000 * MESSAGE_KEPT_S, 'LIMIT', 0, 10)) do
    unlist_message(session, row)
  end
end

-- Numbers a message in one recipient's inbox.
local function enqueue(message, agent)
  local a = load_agent(agent)
  local number = redis.call('HINCRBY', K.agent(agent), 'inbox_seq', 1)
  local key = K.message(message)
  redis.call('XADD', K.inbox(agent), 'MAXLEN', '~', QUEUE, number .. '-0', 'm', message)
  redis.call('EXPIRE', K.inbox(agent), 2 * MESSAGE_KEPT_S)
  redis.call('HSET', key, 'i:' .. agent, number, 'n:' .. agent, a.name)
  redis.call('HINCRBY', key, 'open', 1)
  redis.call('SADD', K.recipients(message), agent)
  redis.call('EXPIRE', K.recipients(message), MESSAGE_KEPT_S)
  return a, number
end

-- An agent whose message cannot be delivered is told so by a message of the relay's own. A lead that released the
-- recipient knows it.
function tell_sender(message, agent, reason)
  local m = fields(K.message(message), 'sender', 'n:' .. agent)
  local a = m.sender and m.sender ~= '' and load_agent(m.sender)
  if not a or not a.id or a.id == agent or has_ended(a) then return end
  if reason == 'agent_released' and redis.call('HGET', K.agent(agent), 'spawner') == a.id then return end
  local hash = redis.sha1hex(message .. agent)
  local id = string.gsub(string.sub(hash, 1, 32), '(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(.*)', '%1-%2-%3-%4-%5')
  local text = 'Your message ' .. message .. ' to ' .. m['n:' .. agent] .. ' could not be delivered: ' .. reason .. '.'
  local body = '{"id":"' .. id .. '","from":{"name":"relay","role":"system","agent":null},"to":' .. json(a.name)
    .. ',"text":' .. json(text) .. ',"mode":"wait","thread":"' .. message .. '"}'
  store_message(id, a.session, {body = body, sender = '', digest = hash, mode = 'wait', role = 'system',
    wire_head = '"<relay-message id=\\"' .. id .. '\\" from=\\"relay\\" role=\\"',
    wire_tail = '\\" to=\\"' .. a.name .. '\\" mode=\\"wait\\">\\n' .. text .. '\\n</relay-message>"'})
  local _, number = enqueue(id, a.id)
  append(a.session, 'message.accepted', nil, 'relay',
    string.sub(body, 1, -2) .. ',"recipients":[{"agent":"' .. a.id .. '","name":' .. json(a.name) .. '}]}')
  redis.call('ZADD', K.queue(a.id), number, id)
  receipt(id, a.id, 'queued')
  dispatch(a)
end

-- Ends an approval whose process is over. One that was answered is withdrawn, too, while the process had not taken the
-- answer: nobody is to believe that it was carried out.
local function withdraw_approval(a, id)
  local key = K.approval(id)
  if redis.call('EXISTS', key) == 1 then
    redis.call('HSET', key, 'status', 'withdrawn', 'resolved_ms', NOW)
    redis.call('HDEL', key, 'given')
  end
  redis.call('ZREM', K.pending_approvals(), id)
  forget_timer('approval|' .. id)
  append(a.session, 'approval.resolved', a.id, a.name, '{"id":"' .. id .. '","status":"withdrawn"}')
end

local function withdraw_approvals(a)
  for _, id in ipairs(redis.call('HVALS', K.asks(a.id))) do withdraw_approval(a, id) end
  for _, id in ipairs(redis.call('SMEMBERS', K.answering(a.id))) do withdraw_approval(a, id) end
  redis.call('DEL', K.asks(a.id), K.answering(a.id))
  redis.call('HSET', K.agent(a.id), 'waiting', 0)
end

-- An ended agent is in no channel; one that is brought back is in its own again.
local function leave_channels(a)
  for _, channel in ipairs(redis.call('SMEMBERS', K.agent_channels(a.id))) do
    redis.call('SREM', K.channel(a.session, channel), a.id)
  end
  redis.call('EXPIRE', K.agent_channels(a.id), ENDED_KEPT_S + DAY_S)
end

-- Nothing of a link is left.
local function forget_link(link)
  redis.call('DEL', K.link(link), K.outbox(link), K.link_agents(link))
  redis.call('HDEL', K.leases(), link)
  forget_timer('away|' .. link)
  forget_timer('unused|' .. link)
end

-- The same of a machine's.
local function forget_machine(proxy, machine)
  redis.call('HDEL', K.proxies(), machine)
  redis.call('HDEL', K.proxy_owners(), machine)
  redis.call('DEL', K.link_tokens(proxy))
  forget_link(proxy)
end

-- The token of a process that is over ends with it, and so does what it had open.
local function end_token(a) redis.call('PUBLISH', ACCESS_CHANNEL, a.id .. '.' .. a.generation) end

-- What was waited for of a process that is over.
local function forget_process_timers(a)
  local of = '|' .. a.id .. '|' .. a.generation
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do forget_timer('proof' .. of .. '|' .. message) end
  forget_timer('interrupt' .. of .. '|' .. (a.turn or ''))
  forget_timer('spawn' .. of)
  forget_timer('restart' .. of)
  forget_timer('stop|' .. a.id)
end

local function end_agent(a, state, reason, detail)
  if has_ended(a) then return end
  end_token(a)
  forget_process_timers(a)
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do
    undeliverable(message, a.id, 'agent_' .. state)
  end
  for _, message in ipairs(redis.call('ZRANGE', K.queue(a.id), 0, -1)) do
    undeliverable(message, a.id, 'agent_' .. state)
  end
  redis.call('DEL', K.inflight(a.id), K.queue(a.id), K.settled(a.id), K.seen_frames(a.id))
  withdraw_approvals(a)
  redis.call('HDEL', K.names(a.session), string.lower(a.name))
  redis.call('SREM', K.session_live(a.session), a.id)
  redis.call('SREM', K.live(), a.id)
  redis.call('SREM', K.link_agents(a.proxy), a.id)
  leave_channels(a)
  if a.link ~= a.proxy then forget_link(a.link) end
  redis.call('HSET', K.agent(a.id), 'reason', reason or '', 'ended', NOW)
  append(a.session, 'agent.' .. state, a.id, a.name, '{"reason":' .. json(reason) .. ',"detail":' .. json(detail) .. '}')
  set_state(a, state, ',"reason":' .. json(reason))
  redis.call('EXPIRE', K.agent(a.id), ENDED_KEPT_S + DAY_S)
  wake_at(NOW + ENDED_KEPT_S * 1000, 'forget|' .. a.id .. '|' .. a.session)
end

-- Nothing of an agent is left.
local function forget_agent(agent, session)
  redis.call('DEL', K.agent(agent), K.queue(agent), K.inflight(agent), K.inbox(agent), K.settled(agent), K.asks(agent),
    K.answering(agent), K.seen_frames(agent), K.agent_channels(agent))
  redis.call('ZREM', K.members(session), agent)
  forget_timer('forget|' .. agent .. '|' .. session)
end

-- Vendors keep no conversation in which nothing was said, and fail to resume it: such an agent begins a new one.
local function spawn_command(a)
  local resume = not a.blank and a.native
  return '{"type":"spawn","agent":"' .. a.id .. '","generation":' .. a.generation .. ',"name":' .. json(a.name)
    .. ',"session":"' .. a.session .. '","cli":' .. json(a.cli) .. ',"cwd":' .. json(a.cwd) .. ',"instructions":'
    .. json(a.instructions) .. ',"resume":' .. json(resume) .. ',"model":' .. json(a.model) .. '}'
end

local function stop(a, reason)
  command(a.proxy, '{"type":"stop","agent":"' .. a.id .. '","generation":' .. a.generation .. ',"reason":'
    .. json(reason) .. '}')
end

-- Orders the process of the agent's present generation.
local function order_process(a)
  command(a.proxy, spawn_command(a))
  wake_at(NOW + SPAWN_MS, 'spawn|' .. a.id .. '|' .. a.generation)
end

-- A new process of the same conversation. One that died is given a pause, longer each time. What was in flight goes back to the head of the queue.
-- `blameless`: the process did not die by itself, so this does not count towards giving up.
local function restart(a, reason, blameless)
  local since = tonumber(a.restarts_since or '0')
  local count = (NOW - since > RESTART_WINDOW_MS) and 0 or tonumber(a.restarts or '0')
  if count == 0 then since = NOW end
  if count >= RESTARTS and not blameless then
    stop(a, reason)
    end_agent(a, 'failed', reason, count .. ' restarts within ten minutes did not help')
    return
  end
  withdraw_approvals(a)
  forget_process_timers(a)
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do
    if rewind(message, a.id) then
      redis.call('ZADD', K.queue(a.id), redis.call('HGET', K.message(message), 'i:' .. a.id) - 1e12, message)
    else
      report_gone(a, message)
    end
  end
  redis.call('DEL', K.inflight(a.id), K.seen_frames(a.id))
  end_token(a)
  a.generation = redis.call('HINCRBY', K.agent(a.id), 'generation', 1)
  if a.link ~= a.proxy then redis.call('SREM', K.link_agents(a.link), a.id) end
  a.link = a.proxy
  redis.call('HSET', K.agent(a.id), 'restarts', blameless and count or count + 1, 'restarts_since', since, 'turn', '', 'link', a.proxy)
  append(a.session, 'agent.restarting', a.id, a.name, '{"generation":' .. a.generation .. ',"reason":' .. json(reason) .. '}')
  set_state(a, 'starting')
  if blameless then return order_process(a) end
  wake_at(NOW + RESTART_PAUSE_MS * 4 ^ count, 'restart|' .. a.id .. '|' .. a.generation)
end
