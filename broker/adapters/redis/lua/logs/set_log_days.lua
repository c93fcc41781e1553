-- Sets how long a workspace wants its logs kept.
-- KEYS[1] workspace root
-- ARGV    days  '' for as long as the plan says
-- Returns 1
-- uses: audit
local before = redis.call('HGET', K.workspace(), 'log_days') or ''
if before == days then return 1 end
record_act('logs.retention_changed', 'logs', filled(before) or 'plan', filled(days) or 'plan')
if days == '' then redis.call('HDEL', K.workspace(), 'log_days') else redis.call('HSET', K.workspace(), 'log_days', days) end
return 1
