-- uses: log outbox receipts
-- An agent's life: state changes, hand-over of waiting messages, restart, end.
local PROOF_MS = 10000        -- a vendor confirms a prompt within milliseconds; silence this long is deafness
local SPAWN_MS = 120000       -- npm cold starts were measured at 4-6 s; a slow disk needs more
local STOP_MS = 20000         -- the proxy's own EOF, TERM, KILL ladder takes 12 s at most
local RESTARTS = 3            -- within RESTART_WINDOW_MS; a process that dies faster is broken
local RESTART_WINDOW_MS = 600000
local ATTEMPTS = 5            -- deliveries of one message before it is a dead letter
local ENDED_KEPT_S = 2592000  -- how long an ended agent can be looked up; the log keeps its story
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
local function wire(a, key)
  local m = fields(key, 'wire_head', 'wire_tail', 'role', 'sender')
  local role = m.role or (m.sender ~= '' and m.sender == a.spawner and 'lead') or 'peer'
  return m.wire_head .. role .. m.wire_tail
end

local function deliver(a, message, steer)
  local key = K.message(message)
  if redis.call('EXISTS', key) == 0 then return false end -- older than messages are kept
  local attempt = redis.call('HINCRBY', key, 'k:' .. a.id, 1)
  if attempt > ATTEMPTS then
    redis.call('XADD', K.dead_letters(), 'MAXLEN', '~', 10000, '*', 'message', message, 'agent', a.id)
    undeliverable(message, a.id, 'dead_letter')
    return false
  end
  redis.call('RPUSH', K.inflight(a.id), message)
  redis.call('HDEL', K.agent(a.id), 'blank')
  command(a.link, '{"type":"deliver","agent":"' .. a.id .. '","generation":' .. a.generation .. ',"message_id":"'
    .. message .. '","text":' .. wire(a, key) .. ',"steer":' .. tostring(steer)
    .. ',"nudge":' .. (attempt > 1 and json(NUDGE) or 'null')
    .. ',"not_after_ms":' .. (attempt == 1 and redis.call('HGET', key, 'expires') or 'null') .. '}')
  receipt(message, a.id, 'sent', ',"how":"' .. (steer and 'steer' or 'turn') .. '"')
  wake_at(NOW + PROOF_MS, 'proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
  return true
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

-- `m`: body, wire_head, wire_tail, sender, digest, mode, role or '' when it depends on the recipient, and ttl_ms.
local function store_message(id, session, m)
  local key = K.message(id)
  redis.call('HSET', key, 'session', session, 'body', m.body, 'wire_head', m.wire_head, 'wire_tail', m.wire_tail,
    'sender', m.sender, 'digest', m.digest, 'mode', m.mode, 'at', NOW)
  if m.ttl_ms then redis.call('HSET', key, 'expires', NOW + m.ttl_ms) end
  if m.role ~= '' then redis.call('HSET', key, 'role', m.role) end
  redis.call('EXPIRE', key, MESSAGE_KEPT_S)
end

-- Numbers a message in one recipient's inbox.
local function enqueue(message, agent)
  local a = load_agent(agent)
  local number = redis.call('HINCRBY', K.agent(agent), 'inbox_seq', 1)
  local key = K.message(message)
  redis.call('XADD', K.inbox(agent), 'MAXLEN', '~', 1000, number .. '-0', 'm', message)
  redis.call('HSET', key, 'i:' .. agent, number, 'n:' .. agent, a.name)
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

local function withdraw_approvals(a)
  local asks = redis.call('HGETALL', K.asks(a.id))
  for i = 1, #asks, 2 do
    redis.call('HSET', K.approval(asks[i + 1]), 'status', 'withdrawn', 'resolved_ms', NOW)
    redis.call('HDEL', K.approval(asks[i + 1]), 'given')
    redis.call('ZREM', K.pending_approvals(), asks[i + 1])
    forget_timer('approval|' .. asks[i + 1])
    append(a.session, 'approval.resolved', a.id, a.name, '{"id":"' .. asks[i + 1] .. '","status":"withdrawn"}')
  end
  redis.call('DEL', K.asks(a.id))
  redis.call('HSET', K.agent(a.id), 'waiting', 0)
end

-- The token of a process that is over ends with it, and so does what it had open.
local function end_token(a) redis.call('PUBLISH', ACCESS_CHANNEL, a.id .. '.' .. a.generation) end

local function end_agent(a, state, reason, detail)
  if has_ended(a) then return end
  end_token(a)
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
  if a.link ~= a.proxy then redis.call('DEL', K.link(a.link), K.outbox(a.link), K.link_agents(a.link)) end
  redis.call('HSET', K.agent(a.id), 'reason', reason or '', 'ended', NOW)
  append(a.session, 'agent.' .. state, a.id, a.name, '{"reason":' .. json(reason) .. ',"detail":' .. json(detail) .. '}')
  set_state(a, state, ',"reason":' .. json(reason))
  redis.call('EXPIRE', K.agent(a.id), ENDED_KEPT_S)
  redis.call('ZREMRANGEBYSCORE', K.members(a.session), '-inf', NOW - ENDED_KEPT_S * 1000)
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

-- A new process of the same conversation. What was in flight goes back to the head of the queue.
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
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do
    redis.call('ZADD', K.queue(a.id), (redis.call('HGET', K.message(message), 'i:' .. a.id) or 0) - 1e12, message)
    rewind(message, a.id)
  end
  redis.call('DEL', K.inflight(a.id), K.seen_frames(a.id))
  end_token(a)
  a.generation = redis.call('HINCRBY', K.agent(a.id), 'generation', 1)
  if a.link ~= a.proxy then redis.call('SREM', K.link_agents(a.link), a.id) end
  a.link = a.proxy
  redis.call('HSET', K.agent(a.id), 'restarts', blameless and count or count + 1, 'restarts_since', since, 'turn', '', 'link', a.proxy)
  append(a.session, 'agent.restarting', a.id, a.name, '{"generation":' .. a.generation .. ',"reason":' .. json(reason) .. '}')
  set_state(a, 'starting')
  command(a.proxy, spawn_command(a))
  wake_at(NOW + SPAWN_MS, 'spawn|' .. a.id .. '|' .. a.generation)
end
