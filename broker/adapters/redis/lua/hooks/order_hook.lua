-- Begins a run of a hook, once, and gives it to the agent's machine where it is a command.
-- KEYS[1] workspace root
-- ARGV    1 run  2 hook  3 session  4 agent  5 its name  6 link, '' for what needs no machine
--         7 the command's JSON for the link  8 when it is given up, ms from now  9 data JSON for the log
-- Returns 1, or 0 when this run was begun before
-- uses: hooks outbox
local run, hook, session, agent, name, link, text, patience, data = unpack(ARGV)
if redis.call('HSETNX', K.hook_run(run), 'state', 'ordered') == 0 then return 0 end
redis.call('HSET', K.hook_run(run), 'hook', hook, 'session', session, 'agent', agent, 'name', name, 'at_ms', NOW)
redis.call('EXPIRE', K.hook_run(run), RUN_KEPT_S)
append(session, 'hook.ordered', agent ~= '' and agent or nil, name ~= '' and name or nil, data)
wake_at(NOW + tonumber(patience), 'hook|' .. run)
if link ~= '' then command(link, text) end
return 1
