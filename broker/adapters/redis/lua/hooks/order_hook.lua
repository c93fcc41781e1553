-- Begins a run of a hook, once, and gives it to the agent's machine where it is a command.
-- KEYS[1] workspace root
-- ARGV    1 run  2 hook  3 session  4 agent  5 its name  6 link, '' for what needs no machine
--         7 the command's JSON for the link  8 when it is given up, ms from now  9 data JSON for the log
--         10 runs of this hook in a minute at most  11 JSON list of the hooks that led here, this one last
--         12 '' or why it is not carried out, as data JSON for the log
-- Returns how far it is: 'ordered', 'skipped', or what it was before
-- uses: hooks outbox
local run, hook, session, agent, name, link, text, patience, data, most, causes, skipped = unpack(ARGV)
if redis.call('HSETNX', K.hook_run(run), 'state', 'ordered') == 0 then return redis.call('HGET', K.hook_run(run), 'state') end
redis.call('HSET', K.hook_run(run), 'hook', hook, 'session', session, 'agent', agent, 'name', name, 'at_ms', NOW,
  'causes', causes, 'patience', patience, 'data', data)
redis.call('EXPIRE', K.hook_run(run), RUN_KEPT_S)
local runs = K.hook_runs()
redis.call('ZADD', runs, NOW, run)
redis.call('ZREMRANGEBYRANK', runs, 0, -RUNS_LISTED - 1)
redis.call('EXPIRE', runs, RUN_KEPT_S)
local rate = K.hook_rate(hook)
local count = redis.call('INCR', rate)
if count == 1 then redis.call('EXPIRE', rate, 60) end
if skipped == '' and count > tonumber(most) then
  skipped = string.sub(data, 1, -2) .. ',"reason":' .. json('more than ' .. most .. ' times in a minute') .. '}'
end
if skipped ~= '' then
  advance_run(run, 'skipped', skipped)
  return 'skipped'
end
append(session, 'hook.ordered', agent, name, data)
wake_at(NOW + tonumber(patience), 'hook|' .. run)
if link ~= '' then command(link, text) end
return 'ordered'
