-- Marks a session as made for what hooks have started.
-- KEYS[1] workspace root
-- ARGV    session
--         causes   JSON list of the hooks that led there
-- Returns 1
redis.call('SET', K.hook_session(session), causes, 'EX', T.workflow_open_s)
return 1
