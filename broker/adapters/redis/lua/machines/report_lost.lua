-- A machine tells what this store has lost of its reports, in a fail-over say. Where nobody knows any more what an agent
-- does, a new process of it does: its conversation goes on, and what was in flight is given to it again.
-- KEYS[1] workspace root
-- ARGV    lost        reports that nobody has any more
--         sent_again  those that came again before this one
--         states      '1' when states of agents are among the lost ones
-- Returns 1, or 0 when it was applied before
-- uses: numbered lives
append(l.session, 'link.reports_lost', nil, nil,
  object('proxy', link, 'machine', machine_name(link), 'lost', tonumber(lost), 'sent_again', tonumber(sent_again)))
if states ~= '1' then return 1 end
for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(link))) do
  local a = load_agent(agent)
  if a.id and not has_ended(a) and a.state ~= 'releasing' then restart(a, 'reports_lost', true) end
end
return 1
