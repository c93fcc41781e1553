-- Takes the name, counts the agent against the plan, orders the process, and queues its first task.
-- KEYS[1] workspace root
-- ARGV    1 session  2 agent id  3 digest  4 name  5 cli  6 proxy (link) id  7 cwd or ''  8 model or ''  9 instructions
--         10 spawner's agent id or ''  11 spawner's name  12 agents in the plan, 0 = any  13 message id of the task or ''
--         14 body JSON  15, 16 wire text before and after the role  17 role or ''  18 time to live, ms
--         19 messages a day, 0 = any  20 day
-- Returns 1 when ordered, 0 when this agent id was ordered before
-- uses: send
local session, id, name = ARGV[1], ARGV[2], ARGV[4]
local function given(text) return text ~= '' and text or nil end

local known = redis.call('HGET', K.agent(id), 'digest')
if known then
  if known ~= ARGV[3] then
    return refuse('Conflict', 'IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used for another spawn')
  end
  return 0
end
if redis.call('EXISTS', K.session(session)) == 0 then
  return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session')
end
local full = backlog_full(session)
if full then return full end
if redis.call('HEXISTS', K.names(session), string.lower(name)) == 1 then
  return refuse('Conflict', 'NAME_TAKEN', 'an agent called ' .. name .. ' is already in this session')
end
local limit = tonumber(ARGV[12])
if limit > 0 and redis.call('SCARD', K.live()) >= limit then
  return refuse('QuotaExceeded', 'QUOTA_EXCEEDED',
    limit .. ' running agent(s) are in this plan; release one or change the plan', string.format('{"limit":%d}', limit))
end
if not is_online(ARGV[6]) then
  return refuse('NoPlacement', 'NO_PROXY', 'the chosen machine has just disconnected; try again')
end
if given(ARGV[13]) then
  local quota = over_quota(ARGV[20], tonumber(ARGV[19]))
  if quota then return quota end
end

redis.call('HSET', K.agent(id), 'id', id, 'session', session, 'name', name, 'cli', ARGV[5], 'proxy', ARGV[6], 'link', ARGV[6],
  'generation', 1, 'state', 'starting', 'since', NOW, 'spawned', NOW, 'digest', ARGV[3], 'instructions', ARGV[9],
  'turn', '', 'waiting', 0)
if given(ARGV[7]) then redis.call('HSET', K.agent(id), 'cwd', ARGV[7]) end
if given(ARGV[8]) then redis.call('HSET', K.agent(id), 'model', ARGV[8]) end
if given(ARGV[10]) then redis.call('HSET', K.agent(id), 'spawner', ARGV[10]) end
redis.call('HSET', K.agent(id), 'spawner_name', ARGV[11])
redis.call('HSET', K.names(session), string.lower(name), id)
redis.call('ZADD', K.members(session), NOW, id)
redis.call('SADD', K.session_live(session), id)
redis.call('SADD', K.live(), id)
redis.call('SADD', K.link_agents(ARGV[6]), id)
append(session, 'agent.spawning', id, name, '{"id":"' .. id .. '","name":' .. json(name) .. ',"cli":' .. json(ARGV[5])
  .. ',"proxy":"' .. ARGV[6] .. '","spawner":' .. json(ARGV[11]) .. '}')
local a = load_agent(id)
command(a.proxy, spawn_command(a))
wake_at(NOW + SPAWN_MS, 'spawn|' .. id .. '|1')
if given(ARGV[13]) then
  store_message(ARGV[13], session, {digest = ARGV[3], sender = ARGV[10], role = ARGV[17], mode = 'wait', body = ARGV[14],
    wire_head = ARGV[15], wire_tail = ARGV[16], ttl_ms = ARGV[18]})
  count_message(ARGV[20])
  local _, number = enqueue(ARGV[13], id)
  append(session, 'message.accepted', given(ARGV[10]), ARGV[11],
    string.sub(ARGV[14], 1, -2) .. ',"recipients":[{"agent":"' .. id .. '","name":' .. json(name) .. '}]}')
  admit(ARGV[13], a, number, 'wait')
  wake_at(NOW + tonumber(ARGV[18]), 'ttl|' .. ARGV[13])
end
return 1
