-- Deletes a page of what is left of a session that was removed: its messages, its approvals, its agents.
-- KEYS[1] workspace root
-- ARGV    session
--         most     entries that are deleted
-- Returns 1 when there may be more, else 0
-- uses: lives
most = tonumber(most)
if redis.call('EXISTS', K.session(session)) == 1 then return 0 end
local done = 0
for _, row in ipairs(redis.call('ZRANGE', K.session_messages(session), 0, most - 1)) do
  local message = message_of(row)
  redis.call('UNLINK', K.message(message), K.recipients(message))
  forget_timer('ttl|' .. message)
  forget_timer('late|' .. message)
  redis.call('ZREM', K.session_messages(session), row)
  done = done + 1
end
for _, approval in ipairs(redis.call('ZRANGE', K.session_approvals(session), 0, most - done - 1)) do
  if done >= most then break end
  redis.call('UNLINK', K.approval(approval))
  redis.call('ZREM', K.session_approvals(session), approval)
  done = done + 1
end
for _, agent in ipairs(redis.call('ZRANGE', K.members(session), 0, most - done - 1)) do
  if done >= most then break end
  for _, channel in ipairs(redis.call('SMEMBERS', K.agent_channels(agent))) do redis.call('DEL', K.channel(session, channel)) end
  forget_agent(agent, session)
  done = done + 1
end
return done >= most and 1 or 0
