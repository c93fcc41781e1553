-- How far a hook's run has come on a machine; the agent that it is about may be gone.
-- KEYS[1] workspace root
-- ARGV    agent
--         run
--         state
--         data   JSON for the log
-- Returns 1, or 0 when that was said before
-- uses: numbered hooks
local a = fields(K.agent(agent), 'proxy', 'link')
if a.proxy ~= link and a.link ~= link then return 0 end
if redis.call('HGET', K.hook_run(run), 'agent') ~= agent then return 0 end
return advance_run(run, state, data)
