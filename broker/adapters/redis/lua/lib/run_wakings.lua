-- When runs of workflows are to be looked at. A run that somebody looks at is looked at once more right after.
local function look_at_run_at(run, due_ms)
  local first = redis.call('ZRANGE', K.workflow_due(), 0, 0, 'WITHSCORES')
  redis.call('ZADD', K.workflow_due(), due_ms, run)
  -- Workers sleep until the first one is due. One that is overdue by so much is so by a clock that was set ahead.
  if not first[2] or due_ms < tonumber(first[2]) or tonumber(first[2]) < NOW - T.clock_ahead_ms then
    redis.call('PUBLISH', WORKFLOW_CHANNEL, ROOT .. ' ' .. string.format('%d', math.max(0, due_ms - NOW)))
  end
end

local function wake_run(run)
  local r = fields(K.workflow_run(run), 'leased', 'state')
  if not r.state then return end
  -- Whoever holds it has to hear of this even when its lease has ended: it may still let go of the run.
  if r.leased then redis.call('HSET', K.workflow_run(run), 'again', 1) end
  if tonumber(r.leased or '0') <= NOW then
    look_at_run_at(run, NOW)
  end
end

-- What steps wait for (`services.workflows.driver`): something that happened to an agent, a message, a command.
local STEPPED = {
  ['agent.ready'] = true, ['agent.failed'] = true, ['agent.released'] = true, ['agent.state'] = true,
  ['turn.ended'] = true, ['message.accepted'] = true, ['message.receipt'] = true, ['approval.resolved'] = true,
  ['command.ended'] = true, ['workflow.ended'] = true,
}

-- The run that an event is about: the one whose agent it is of, or that its data names.
local function run_of(agent, data)
  if agent and agent ~= '' then
    local part = redis.call('HGET', K.agent(agent), 'part')
    return part and cjson.decode(part).run
  end
  return string.match(data, '"run":"([^"]+)"')
end

-- Wakes the runs that events are about, and those that listen to all of their session: others have nothing to look at.
local function wake_runs(session, kind, agent, list)
  if not STEPPED[kind] then return end
  local woken = {}
  for _, data in ipairs(list) do
    local run = kind ~= 'workflow.ended' and run_of(agent, data)
    if run then woken[run] = true end
  end
  for _, run in ipairs(redis.call('SMEMBERS', K.session_listeners(session))) do woken[run] = true end
  for run in pairs(woken) do wake_run(run) end
end
