-- What was held back has been let go, unless something more came meanwhile: that waits for its own quiet.
-- KEYS[1] workspace root
-- ARGV    hook
--         agent
--         mark   of what was let go
-- Returns 1
local key = K.hook_hold(hook, agent)
redis.call('ZREM', K.hooks_quiet(), hook .. '|' .. agent)
if redis.call('HGET', key, 'mark') == mark then redis.call('HDEL', key, 'waiting', 'happening', 'files') end
return 1
