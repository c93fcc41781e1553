-- uses: log
-- Runs of hooks. What a run comes to is in the session's log; its record is kept to know it when it is decided again.
local ENDS = {completed = true, failed = true, refused = true, skipped = true, expired = true, interrupted = true}

-- How far a run has come, said once for each step. Returns 1, or 0 when it had come so far before.
local function advance_run(run, state, data)
  local r = fields(K.hook_run(run), 'state', 'session', 'agent', 'name', 'hook', 'patience')
  if not r.state or ENDS[r.state] or r.state == state then return 0 end
  redis.call('HSET', K.hook_run(run), 'state', state, 'at_ms', NOW, 'data', data)
  append(r.session, 'hook.' .. state, r.agent, r.name, data)
  if ENDS[state] then
    forget_timer('hook|' .. run)
  else
    wake_at(NOW + tonumber(r.patience), 'hook|' .. run)
  end
  return 1
end
