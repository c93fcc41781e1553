-- Makes a live agent a member of a channel.
-- KEYS[1] workspace root
-- ARGV    session
--         channel
--         agent
--         by     who, for the log
--         actor  the agent who asks, '' for people and programs
-- Returns 1 when it was none before, else 0
-- uses: lineage
if redis.call('SISMEMBER', K.session_live(session), agent) == 0 then
  return refuse('NotFound', 'AGENT_NOT_FOUND', 'no such agent in this session')
end
local refusal = actor ~= agent and not_its_own(actor, agent, 'put into a channel')
if refusal then return refusal end
if redis.call('SISMEMBER', K.channel(session, channel), agent) == 1 then return 0 end
if redis.call('SISMEMBER', K.agent_channels(agent), channel) == 0 and redis.call('SCARD', K.agent_channels(agent)) >= T.channels then
  return refuse('Conflict', 'TOO_MANY_CHANNELS', 'an agent is in ' .. T.channels .. ' channels at most; leave some first')
end
redis.call('SADD', K.agent_channels(agent), channel)
redis.call('SADD', K.channel(session, channel), agent)
append(session, 'channel.joined', agent, load_agent(agent).name, object('channel', channel, 'by', by))
return 1
