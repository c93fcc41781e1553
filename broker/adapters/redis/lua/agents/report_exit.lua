-- The agent's process is gone, or its conversation cannot go on.
-- KEYS[1] workspace root
-- ARGV    expected  '1' when asked for
--         reason
--         detail
-- Returns 1, or 0 when it is not heard
-- uses: report lives
append(a.session, 'agent.exited', a.id, a.name,
  object('expected', expected == '1', 'reason', reason, 'detail', detail))
if a.state == 'releasing' then
  end_agent(a, 'released', 'released')
elseif reason == 'PROXY_STOPPED' then -- relay-connect ended in good order: its next start brings the agent back
  withdraw_approvals(a)
  set_state(a, 'lost')
elseif a.state == 'starting' then
  end_agent(a, 'failed', reason, detail)
else
  restart(a, reason)
end
return 1
