-- Makes a session out of an archive, with its numbers and its agents, which have ended; nothing when it is here.
-- KEYS[1] workspace root
-- ARGV    session
--         name
--         row      JSON list of the session's fields and values
--         agents   JSON list of agents in their order, each the list of its fields and values, beginning with its id
-- Returns 1 when it was made
-- uses: lives
row, agents = cjson.decode(row), cjson.decode(agents)
if redis.call('EXISTS', K.session(session)) == 1 then return 0 end
if redis.call('HEXISTS', K.session_names(), name) == 1 then
  return refuse('Conflict', 'NAME_TAKEN', 'there is another session called ' .. name)
end
for _, fields_of in ipairs(agents) do
  if redis.call('EXISTS', K.agent(fields_of[2])) == 1 then
    return refuse('Conflict', 'ID_TAKEN', 'there is an agent with the id ' .. fields_of[2])
  end
end
redis.call('HSET', K.session(session), unpack(row))
redis.call('HSET', K.session_names(), name, session)
for place, fields_of in ipairs(agents) do
  local agent = fields_of[2]
  redis.call('HSET', K.agent(agent), 'place', place, unpack(fields_of))
  redis.call('EXPIRE', K.agent(agent), T.ended_agent_kept_s + DAY_S)
  redis.call('ZADD', K.members(session), place, agent)
  wake_at(NOW + T.ended_agent_kept_s * 1000, 'forget|' .. agent .. '|' .. session)
end
return 1
