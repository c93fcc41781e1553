-- Brings an agent that has ended back: the same agent, a new process, its vendor's conversation.
-- KEYS[1] workspace root
-- ARGV    session
--         agent
--         by        who, for the log
--         plan      the workspace's
--         most      agents in it, 0 = any
--         actor     the agent who asks, '' for people and programs
--         asked_by  JSON of who asks, for its machine
-- Returns 1 when ordered, 0 when it has not ended
-- uses: lives lineage plans
most = tonumber(most)
local a = load_agent(agent)
if not a.id or a.session ~= session or redis.call('EXISTS', K.session(session)) == 0 then
  return refuse('NotFound', 'AGENT_NOT_FOUND', 'no such agent in this session')
end
local refusal = not_its_own(actor, agent, 'resume')
if refusal then return refusal end
if not has_ended(a) then return 0 end
local stopped = refuse_where_stopped(a.session, a.proxy)
if stopped then return stopped end
local full = backlog_full(a.session)
if full then return full end
if not a.native or a.native == '' then
  return refuse('Conflict', 'NO_CONVERSATION', a.name .. ' never became ready: there is no conversation to go on with')
end
if redis.call('HEXISTS', K.names(a.session), string.lower(a.name)) == 1 then
  return refuse('Conflict', 'NAME_TAKEN', 'another agent is called ' .. a.name .. ' by now; release it first')
end
local over = over_agents(plan, most)
if over then return over end
if not is_online(a.proxy) then
  return refuse('NoPlacement', 'NO_PROXY', 'the machine of ' .. a.name .. ' has just disconnected; try again')
end

drop_failures({failed_agent(a)})
a.generation = redis.call('HINCRBY', K.agent(a.id), 'generation', 1)
a.link = a.proxy
redis.call('PERSIST', K.agent(a.id))
redis.call('PERSIST', K.agent_channels(a.id))
forget_timer('forget|' .. a.id .. '|' .. a.session)
for _, channel in ipairs(redis.call('SMEMBERS', K.agent_channels(a.id))) do
  redis.call('SADD', K.channel(a.session, channel), a.id)
end
redis.call('HDEL', K.agent(a.id), 'reason', 'detail', 'ended', 'dismissed', 'restarts', 'restarts_since')
a.asked_by = asked_by
redis.call('HSET', K.agent(a.id), 'link', a.proxy, 'turn', '', 'waiting', 0, 'asked_by', asked_by,
  'runs_since', NOW)
redis.call('HSET', K.names(a.session), string.lower(a.name), a.id)
local f = fields(K.agent(a.id), 'place', 'spawned')
redis.call('ZADD', K.members(a.session), f.place or f.spawned, a.id)
redis.call('SADD', K.session_live(a.session), a.id)
redis.call('HDEL', K.session(a.session), 'archived')
redis.call('SADD', K.live(), a.id)
redis.call('SADD', K.link_agents(a.proxy), a.id)
append(a.session, 'agent.spawning', a.id, a.name, object('id', a.id, 'name', a.name, 'cli', a.cli, 'proxy', a.proxy,
  'machine', machine_name(a.proxy), 'folder', a.cwd_real or a.cwd, 'spawner', by, 'resumed', true,
  'generation', tonumber(a.generation)))
warn_of_agents(a.session, plan, most)
set_state(a, 'starting')
order_process(a)
return 1
