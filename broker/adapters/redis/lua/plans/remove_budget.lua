-- Removes a budget; what waited for it is handed over.
-- KEYS[1] workspace root
-- ARGV    key
-- Returns 1, or 0 when there was none
-- uses: room audit
if redis.call('HDEL', K.budgets(), key) == 0 then return 0 end
record_act('budget.removed', 'budget ' .. key)
forget_timer('budget|' .. key)
go_on_within(key)
return 1
