-- uses: log
-- Runs of hooks. What a run comes to is in the session's log; its record is kept to know it when it is decided again.
local ENDS = {completed = true, failed = true, refused = true, skipped = true, expired = true, interrupted = true}

-- How far a run has come, said once for each step. Returns 1, or 0 when it had come so far before.
local function advance_run(run, state, data)
  local r = fields(K.hook_run(run), 'state', 'session', 'agent', 'name', 'hook', 'patience', 'decides')
  if not r.state or ENDS[r.state] or r.state == state then return 0 end
  redis.call('HSET', K.hook_run(run), 'state', state, 'at_ms', NOW, 'data', data)
  local at = append(r.session, 'hook.' .. state, filled(r.agent), filled(r.name), data)
  if ENDS[state] then
    forget_timer('hook|' .. run)
    if r.decides then let_hooks_look(r.session, at) end
  else
    wake_at(NOW + tonumber(r.patience), 'hook|' .. run)
  end
  return 1
end

-- What is kept of a run that begins, among the latest of its workspace.
local function keep_run(run, hook, session, agent, name, data, causes, patience)
  redis.call('HSET', K.hook_run(run), 'hook', hook, 'session', session, 'agent', agent, 'name', name, 'at_ms', NOW,
    'causes', causes, 'patience', patience, 'data', data)
  redis.call('EXPIRE', K.hook_run(run), T.hook_run_kept_s)
  local runs = K.hook_runs()
  redis.call('ZADD', runs, NOW, run)
  redis.call('ZREMRANGEBYRANK', runs, 0, -T.hook_runs - 1)
  redis.call('EXPIRE', runs, T.hook_run_kept_s)
end
