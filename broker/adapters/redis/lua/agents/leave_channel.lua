-- Ends an agent's membership of a channel.
-- KEYS[1] workspace root
-- ARGV    session
--         channel
--         agent
--         actor    the agent who asks, '' for people and programs
-- Returns 1
-- uses: lineage
local refusal = actor ~= agent and not_its_own(actor, agent, 'take out of a channel')
if refusal then return refusal end
redis.call('SREM', K.agent_channels(agent), channel)
redis.call('SREM', K.channel(session, channel), agent)
return 1
