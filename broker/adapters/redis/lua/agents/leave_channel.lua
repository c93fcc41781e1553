-- Ends an agent's membership of a channel.
-- KEYS[1] workspace root
-- ARGV    session
--         channel
--         agent
--         by     who, for the log
--         actor  the agent who asks, '' for people and programs
-- Returns 1 when it was a member, else 0
-- uses: lineage
local refusal = actor ~= agent and not_its_own(actor, agent, 'take out of a channel')
if refusal then return refusal end
redis.call('SREM', K.agent_channels(agent), channel)
if redis.call('SREM', K.channel(session, channel), agent) == 0 then return 0 end
append(session, 'channel.left', agent, load_agent(agent).name, object('channel', channel, 'by', by))
return 1
