-- How far a hook's run has come on a machine; the agent that it is about may be gone.
-- KEYS[1] workspace root
-- ARGV    agent
--         run
--         state
--         data   JSON for the log
--         hook
--         on     what waited for it, where the machine began it by itself; ''
-- Returns 1, or 0 when that was said before
-- uses: numbered hooks plans
local a = fields(K.agent(agent), 'proxy', 'link', 'session', 'name')
if a.proxy ~= link and a.link ~= link then return 0 end
if on ~= '' and redis.call('HSETNX', K.hook_run(run), 'state', 'ordered') == 1 then
  keep_run(run, hook, a.session, agent, a.name, data, '[]', T.hook_margin_s * 1000)
  count('hook_runs', 1)
end
if redis.call('HGET', K.hook_run(run), 'agent') ~= agent then return 0 end
return advance_run(run, state, data)
