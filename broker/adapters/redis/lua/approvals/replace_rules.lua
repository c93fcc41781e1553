-- Replaces a workspace's approval rules.
-- KEYS[1] workspace root
-- ARGV    rules  JSON
-- Returns 1
-- uses: audit
local before = redis.call('GET', K.rules())
if before == rules then return 1 end
record_act('rule.all_replaced', 'rules', before, rules)
redis.call('SET', K.rules(), rules)
return 1
