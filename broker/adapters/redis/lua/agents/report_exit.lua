-- The agent's process is gone, or its conversation cannot go on.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 '1' when asked for  8 reason  9 detail
-- uses: report lives
local is_expected, reason, detail = ARGV[7] == '1', ARGV[8], ARGV[9]
append(a.session, 'agent.exited', a.id, a.name,
  '{"expected":' .. tostring(is_expected) .. ',"reason":' .. json(reason) .. ',"detail":' .. json(detail) .. '}')
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
