-- Ends an agent's membership of a channel.
-- KEYS[1] workspace root
-- ARGV    1 session  2 channel  3 agent
-- Returns 1
local session, channel, agent = ARGV[1], ARGV[2], ARGV[3]
redis.call('SREM', K.agent_channels(agent), channel)
redis.call('SREM', K.channel(session, channel), agent)
return 1
