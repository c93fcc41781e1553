-- Removes a budget; what waited for it is handed over.
-- KEYS[1] workspace root
-- ARGV    key
-- Returns 1, or 0 when there was none
-- uses: room gates audit
local known = redis.call('HGET', K.budgets(), key)
if not known then return 0 end
withdraw_question(cjson.decode(known))
redis.call('HDEL', K.budgets(), key)
record_act('budget.removed', 'budget ' .. key)
forget_timer('budget|' .. key)
go_on_within(key)
return 1
