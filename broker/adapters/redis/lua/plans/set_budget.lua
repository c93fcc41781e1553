-- Sets a budget, or raises one that there is; what waited for it is handed over. What was spent in this period stays.
-- KEYS[1] workspace root
-- ARGV    key        its scope, unit and period
--         unit
--         period
--         name       of what it is for, for people
--         limit      as it is counted; how much more when it is to be raised
--         more       '1' to raise it
--         by
--         interrupt  '1' when running turns are to end with it, '0' when not, '' as it was
--         most       budgets of a workspace
-- Returns the budget as JSON
-- uses: room gates audit
local known = redis.call('HGET', K.budgets(), key)
if more == '1' and not known then return refuse('NotFound', 'BUDGET_NOT_FOUND', 'there is no such budget: set it first') end
if not known and redis.call('HLEN', K.budgets()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_BUDGETS', most .. ' budgets at most; remove some first')
end
local budget = known and cjson.decode(known) or {spent = 0, since = period_now(period)}
withdraw_question(budget)
if budget.since ~= period_now(period) then begin_period(budget, period_now(period)) end
local before = known and budget.limit .. ' ' .. unit .. ' ' .. period or nil
if more ~= '1' then budget.extra = nil end
budget.limit = more == '1' and budget.limit + tonumber(limit) or tonumber(limit)
budget.unit, budget.period, budget.name, budget.by, budget.at_ms, budget.warned = unit, period, name, by, NOW, nil
if interrupt ~= '' then budget.interrupt = interrupt == '1' or nil end
redis.call('HSET', K.budgets(), key, cjson.encode(budget))
record_act('budget.set', 'budget ' .. key, before, budget.limit .. ' ' .. unit .. ' ' .. period)
look_again(key, budget)
go_on_within(key)
return redis.call('HGET', K.budgets(), key)
