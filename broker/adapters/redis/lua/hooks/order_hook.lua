-- Begins a run of a hook, once, and gives it to the agent's machine where it is a command.
-- KEYS[1] workspace root
-- ARGV    run
--         hook
--         session
--         agent
--         name         the agent's
--         link         the machine, '' for what the broker does itself
--         order        JSON for the machine, '' likewise
--         patience_ms  after this it is given up, and once more this long after it was started
--         data         JSON for the log
--         most         runs of this hook in a minute
--         causes       JSON list of the hooks that led here, this one last
--         delivery     JSON of what another service is sent, '' for none
--         about        JSON that the log has with each step of a delivery
--         skipped      why it is not carried out, as JSON for the log; '' where it is
--         plans        those that have hooks, with a space around each
--         decides      the approval that it answers; '' for none
-- Returns how far it is: 'ordered', 'skipped', or what it was before
-- uses: hooks deliveries outbox plans
if redis.call('HSETNX', K.hook_run(run), 'state', 'ordered') == 0 then return redis.call('HGET', K.hook_run(run), 'state') end
keep_run(run, hook, session, agent, name, data, causes, patience_ms)
if decides ~= '' then redis.call('HSET', K.hook_run(run), 'decides', decides) end
local rate = K.hook_rate(hook)
local so_far = redis.call('INCR', rate)
if so_far == 1 or redis.call('TTL', rate) > 60 then -- or the clock was set back since
  redis.call('SET', rate, 1, 'EX', 60)
  so_far = 1
end
if skipped == '' and so_far > tonumber(most) then
  skipped = extended(data, 'reason', 'more than ' .. most .. ' times in a minute')
end
if skipped == '' and delivery ~= '' then
  local why = endpoint_stopped(hook) or (redis.call('ZCARD', K.hook_deliveries()) >= T.hook_deliveries and 'too much waits to be delivered')
  if why then skipped = extended(about, 'state', 'skipped', 'reason', why) end
end
local plan = redis.call('HGET', K.workspace(), 'plan')
if skipped == '' and plan and not string.find(plans, ' ' .. plan .. ' ', 1, true) then
  skipped = extended(data, 'reason', 'the plan ' .. plan .. ' has no hooks')
end
if skipped == '' and redis.call('HEXISTS', K.workspace(), 'read_only') == 1 then
  skipped = extended(data, 'reason', 'the workspace is read-only until it is paid for')
end
if skipped ~= '' then
  advance_run(run, 'skipped', skipped)
  return 'skipped'
end
append(session, 'hook.ordered', filled(agent), filled(name), data)
count('hook_runs', 1)
if delivery ~= '' then
  redis.call('HSET', K.hook_run(run), 'delivery', delivery, 'about', about, 'attempt', 0)
  deliver_at(NOW, run)
  return 'ordered'
end
local not_after = NOW + tonumber(patience_ms)
wake_at(not_after, 'hook|' .. run)
if link ~= '' then post(link, extended(order, 'not_after_ms', end_for(link, not_after))) end
return 'ordered'
