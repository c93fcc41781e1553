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
--         session    that it is of, or its agent is in, '' for none
-- Returns the budget as JSON
-- uses: room budget_ends audit
local known = redis.call('HGET', K.budgets(), key)
if more == '1' and not known then return refuse('NotFound', 'BUDGET_NOT_FOUND', 'there is no such budget: set it first') end
local refused = not known and too_many_budgets()
if refused then return refused end

local function put(at, budget)
  withdraw_question(budget)
  if budget.since ~= period_now(period) then begin_period(budget, period_now(period)) end
  if more ~= '1' then budget.extra = nil end
  budget.limit = more == '1' and budget.limit + tonumber(limit) or tonumber(limit)
  budget.unit, budget.period, budget.name, budget.by, budget.at_ms, budget.warned = unit, period, name, by, NOW, nil
  budget.session = filled(session)
  if interrupt ~= '' then budget.interrupt = interrupt == '1' or nil end
  save_budget(at, budget)
  look_again(at, budget)
  return budget
end

local before = known and cjson.decode(known)
local budget = put(key, known and cjson.decode(known) or {spent = 0, since = period_now(period)})
for _, other in ipairs(keys_in_runs(key)) do put(other, cjson.decode(redis.call('HGET', K.budgets(), other))) end
record_act('budget.set', 'budget ' .. key, before and before.limit .. ' ' .. unit .. ' ' .. period or nil,
  budget.limit .. ' ' .. unit .. ' ' .. period)
go_on_within(key)
return redis.call('HGET', K.budgets(), key)
