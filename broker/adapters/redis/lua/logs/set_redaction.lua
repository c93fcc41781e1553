-- Replaces a workspace's own redaction rules.
-- KEYS[1] workspace root
-- ARGV    rules  JSON
-- Returns 1
-- uses: audit
local before = redis.call('GET', K.redaction())
if before == rules then return 1 end
record_act('logs.redaction_changed', 'redaction', before, rules)
redis.call('SET', K.redaction(), rules)
return 1
