-- Takes the name, counts the agent against the plan, orders the process, and queues its first task.
-- KEYS[1] workspace root
-- ARGV    session
--         id              of the agent
--         digest          of the request
--         name
--         cli
--         proxy           id of the machine's link
--         cwd             or ''
--         model           or ''
--         worktree        '1' for one of its own, or ''
--         readonly        '1' for one that changes nothing, or ''
--         writes          JSON lists of patterns of the files that it may change at most, or ''
--         instructions
--         spawner         agent id or ''
--         spawner_name
--         plan            the workspace's
--         most_agents     in it, 0 = any
--         task            message id or ''
--         body            of the task, JSON
--         wire_head       its text up to the role
--         wire_tail       its text behind the role
--         role            or ''
--         ttl_ms          of the task
--         brief           its first line
--         most_messages   a day, 0 = any
--         asked_by        JSON of who asks, for its machine
--         behind          JSON of who is behind that
--         most_of_agents  agents of a session that agents may have spawned
--         part            JSON of what it is in a run of a workflow, or ''
--         gift            JSON of what its spawner, an agent, lets it spend: unit, amount as it is counted; or ''
--         trace           of the task, see `send_message`
--         cause           likewise
-- Returns 1 when ordered, 0 when this agent id was ordered before
-- uses: send lives gifts audit
local m = {digest = digest, sender = spawner, role = role, mode = 'wait', body = body, wire_head = wire_head,
  wire_tail = wire_tail, ttl_ms = ttl_ms, brief = brief}

local known = redis.call('HGET', K.agent(id), 'digest')
if known then
  if known ~= digest then
    return refuse('Conflict', 'IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used for another spawn')
  end
  return 0
end
if redis.call('EXISTS', K.session(session)) == 0 then
  return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session')
end
local stopped = refuse_where_stopped(session, proxy)
if stopped then return stopped end
local full = backlog_full(session)
if full then return full end
if redis.call('HEXISTS', K.names(session), string.lower(name)) == 1 then
  return refuse('Conflict', 'NAME_TAKEN', 'an agent called ' .. name .. ' is already in this session')
end
most_agents, most_messages = tonumber(most_agents), tonumber(most_messages)
local over = over_agents(plan, most_agents)
if over then return over end
do
  -- Agents that spawn agents that spawn agents would fill any plan.
  local function spawned_by_agents()
    local count = 0
    for _, other in ipairs(redis.call('SMEMBERS', K.session_live(session))) do
      count = count + redis.call('HEXISTS', K.agent(other), 'spawner')
    end
    return count
  end
  if filled(spawner) and spawned_by_agents() >= tonumber(most_of_agents) then
    return refuse('Conflict', 'TOO_MANY_AGENTS', 'agents have spawned ' .. most_of_agents
      .. ' agents of this session that are still running: that is all they may; release some first')
  end
end
if not is_online(proxy) then
  return refuse('NoPlacement', 'NO_PROXY', 'the chosen machine has just disconnected; try again')
end
if is_behind(proxy) then
  return refuse('NoPlacement', 'NO_PROXY', 'the chosen machine does not take its commands at the moment; try again')
end
if filled(task) then
  full = messages_full(session, message_bytes(m))
  if full then return full end
  over = over_messages(plan, most_messages)
  if over then return over end
end
gift = filled(gift) and cjson.decode(gift)
over = gift and (cannot_give(spawner, session, gift.unit, gift.amount) or too_many_budgets())
if over then return over end

redis.call('HSET', K.agent(id), 'id', id, 'session', session, 'name', name, 'cli', cli, 'proxy', proxy, 'link', proxy,
  'generation', 1, 'state', 'starting', 'since', NOW, 'spawned', NOW, 'digest', digest, 'instructions', instructions,
  'turn', '', 'waiting', 0)
if filled(cwd) then redis.call('HSET', K.agent(id), 'cwd', cwd) end
if filled(model) then redis.call('HSET', K.agent(id), 'model', model) end
if filled(worktree) then redis.call('HSET', K.agent(id), 'worktree', worktree) end
if filled(readonly) then redis.call('HSET', K.agent(id), 'readonly', readonly) end
if filled(writes) then redis.call('HSET', K.agent(id), 'writes', writes) end
if filled(spawner) then redis.call('HSET', K.agent(id), 'spawner', spawner) end
if filled(part) then redis.call('HSET', K.agent(id), 'part', part) end
redis.call('HSET', K.agent(id), 'spawner_name', spawner_name, 'token', '', 'asked_by', asked_by, 'behind', behind)
redis.call('HSET', K.names(session), string.lower(name), id)
do
  local place = next_place(K.members(session))
  redis.call('HSET', K.agent(id), 'place', place)
  redis.call('ZADD', K.members(session), place, id)
end
redis.call('SADD', K.session_live(session), id)
redis.call('HDEL', K.session(session), 'archived')
redis.call('SADD', K.live(), id)
redis.call('SADD', K.link_agents(proxy), id)
append(session, 'agent.spawning', id, name, object('id', id, 'name', name, 'cli', cli, 'proxy', proxy,
  'machine', machine_name(proxy), 'folder', filled(cwd), 'spawner', spawner_name, 'person', filled(behind) and cjson.decode(behind).name))
warn_of_agents(session, plan, most_agents)
local a = load_agent(id)
order_process(a)
record_act('agent.spawned', 'agent ' .. id, nil, name .. ', ' .. cli .. ', in session ' .. session)
if gift then
  local given = give(id, (redis.call('HGET', K.session(session), 'name') or '') .. '/' .. name, session, spawner,
    spawner_name, gift)
  record_act('budget.set', 'budget ' .. given, nil, gift.amount .. ' ' .. gift.unit .. ' total')
end
if filled(task) then
  m.trace, m.cause = trace_of(trace, cause, spawner)
  store_message(task, session, m)
  local _, number = enqueue(task, id)
  append(session, 'message.accepted', filled(spawner), spawner_name, acceptance(m, {object('agent', id, 'name', name)}))
  count_message(session, plan, most_messages)
  admit(task, a, number, 'wait')
  wake_at(NOW + tonumber(ttl_ms), 'ttl|' .. task)
end
return 1
