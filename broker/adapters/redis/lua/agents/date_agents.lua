-- Gives an end to what an earlier version left of a session's agents that have ended.
-- KEYS[1] workspace root
-- ARGV    session
-- Returns how many have
-- uses: lives
local ended = 0
for _, agent in ipairs(redis.call('ZRANGE', K.members(session), 0, -1)) do
  local a = load_agent(agent)
  if not a.id or has_ended(a) then
    local at = tonumber(redis.call('HGET', K.agent(agent), 'ended') or NOW)
    wake_at(at + T.ended_agent_kept_s * 1000, 'forget|' .. agent .. '|' .. session)
    ended = ended + 1
  end
end
return ended
