-- Takes the name, counts the agent against the plan, orders the process, and queues its first task.
-- KEYS[1] workspace root
-- ARGV    1 session  2 agent id  3 digest  4 name  5 cli  6 proxy (link) id  7 cwd or ''  8 model or ''  9 instructions
--         10 spawner's agent id or ''  11 spawner's name  12 agents in the plan, 0 = any  13 message id of the task or ''
--         14 body JSON  15, 16 wire text before and after the role  17 role or ''  18 time to live, ms
--         19 messages a day, 0 = any  20 day  21 JSON of who asks, for its machine  22 JSON of who is behind that
--         23 agents of a session that agents may have spawned
-- Returns 1 when ordered, 0 when this agent id was ordered before
-- uses: send lives
local session, id, digest, name, cli, proxy, cwd, model, instructions, spawner, spawner_name, most_agents, task, body, wire_head,
  wire_tail, role, ttl_ms, most_messages, day, asked_by, behind, most_of_agents = unpack(ARGV)
local m = {digest = digest, sender = spawner, role = role, mode = 'wait', body = body, wire_head = wire_head,
  wire_tail = wire_tail, ttl_ms = ttl_ms}
local function given(text) return text ~= '' and text or nil end

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
local limit = tonumber(most_agents)
if limit > 0 and redis.call('SCARD', K.live()) >= limit then
  return refuse('QuotaExceeded', 'QUOTA_EXCEEDED',
    limit .. ' running agent(s) are in this plan; release one or change the plan', string.format('{"limit":%d}', limit))
end
-- Agents that spawn agents that spawn agents would fill any plan.
local function spawned_by_agents()
  local count = 0
  for _, other in ipairs(redis.call('SMEMBERS', K.session_live(session))) do
    count = count + redis.call('HEXISTS', K.agent(other), 'spawner')
  end
  return count
end
if given(spawner) and spawned_by_agents() >= tonumber(most_of_agents) then
  return refuse('Conflict', 'TOO_MANY_AGENTS', 'agents have spawned ' .. most_of_agents
    .. ' agents of this session that are still running: that is all they may; release some first')
end
if not is_online(proxy) then
  return refuse('NoPlacement', 'NO_PROXY', 'the chosen machine has just disconnected; try again')
end
if is_behind(proxy) then
  return refuse('NoPlacement', 'NO_PROXY', 'the chosen machine does not take its commands at the moment; try again')
end
if given(task) then
  full = messages_full(session, message_bytes(m))
  if full then return full end
  local quota = over_quota(day, tonumber(most_messages))
  if quota then return quota end
end

redis.call('HSET', K.agent(id), 'id', id, 'session', session, 'name', name, 'cli', cli, 'proxy', proxy, 'link', proxy,
  'generation', 1, 'state', 'starting', 'since', NOW, 'spawned', NOW, 'digest', digest, 'instructions', instructions,
  'turn', '', 'waiting', 0)
if given(cwd) then redis.call('HSET', K.agent(id), 'cwd', cwd) end
if given(model) then redis.call('HSET', K.agent(id), 'model', model) end
if given(spawner) then redis.call('HSET', K.agent(id), 'spawner', spawner) end
redis.call('HSET', K.agent(id), 'spawner_name', spawner_name, 'token', '', 'asked_by', asked_by, 'behind', behind)
redis.call('HSET', K.names(session), string.lower(name), id)
local place = next_place(K.members(session))
redis.call('HSET', K.agent(id), 'place', place)
redis.call('ZADD', K.members(session), place, id)
redis.call('SADD', K.session_live(session), id)
redis.call('SADD', K.live(), id)
redis.call('SADD', K.link_agents(proxy), id)
append(session, 'agent.spawning', id, name, '{"id":"' .. id .. '","name":' .. json(name) .. ',"cli":' .. json(cli)
  .. ',"proxy":"' .. proxy .. '","machine":' .. json(redis.call('HGET', K.link(proxy), 'name')) .. ',"folder":'
  .. json(given(cwd)) .. ',"spawner":' .. json(spawner_name) .. '}')
local a = load_agent(id)
order_process(a)
if given(task) then
  store_message(task, session, m)
  count_message(day)
  local _, number = enqueue(task, id)
  append(session, 'message.accepted', given(spawner), spawner_name,
    string.sub(body, 1, -2) .. ',"recipients":[{"agent":"' .. id .. '","name":' .. json(name) .. '}]}')
  admit(task, a, number, 'wait')
  wake_at(NOW + tonumber(ttl_ms), 'ttl|' .. task)
end
return 1
