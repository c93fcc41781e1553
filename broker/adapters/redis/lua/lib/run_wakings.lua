-- When runs of workflows are to be looked at. A run that somebody looks at is looked at once more right after.
local function look_at_run_at(run, due_ms)
  local first = redis.call('ZRANGE', K.workflow_due(), 0, 0, 'WITHSCORES')
  redis.call('ZADD', K.workflow_due(), due_ms, run)
  if not first[2] or due_ms < tonumber(first[2]) then
    redis.call('PUBLISH', WORKFLOW_CHANNEL, ROOT .. ' ' .. string.format('%d', math.max(0, due_ms - NOW)))
  end
end

local function wake_run(run)
  local r = fields(K.workflow_run(run), 'leased', 'state')
  if not r.state then return end
  if tonumber(r.leased or '0') > NOW then
    redis.call('HSET', K.workflow_run(run), 'again', 1)
  else
    look_at_run_at(run, NOW)
  end
end

-- What steps wait for (`services.workflows.driver`): something that happened to an agent, a message, a command.
local STEPPED = {
  ['agent.ready'] = true, ['agent.failed'] = true, ['agent.released'] = true, ['agent.state'] = true,
  ['turn.ended'] = true, ['message.accepted'] = true, ['message.receipt'] = true, ['approval.resolved'] = true,
  ['command.ended'] = true,
}

local function wake_runs(session, kind)
  if not STEPPED[kind] then return end
  for _, run in ipairs(redis.call('SMEMBERS', K.session_runs(session))) do wake_run(run) end
end
