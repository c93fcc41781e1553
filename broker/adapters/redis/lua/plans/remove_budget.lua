-- Removes a budget; what waited for it is handed over.
-- KEYS[1] workspace root
-- ARGV    key
-- Returns 1, or 0 when there was none
-- uses: budget_ends room audit
if redis.call('HEXISTS', K.budgets(), key) == 0 then return 0 end
local ended = keys_in_runs(key)
ended[#ended + 1] = key
for _, each in ipairs(ended) do drop_budget(each) end
record_act('budget.removed', 'budget ' .. key)
go_on_within(key)
return 1
