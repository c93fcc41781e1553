-- uses: gates room audit
-- Lets as much again be spent of a budget in this period, as `id` asks; what waited goes on.
local function allow_more(key, id)
  local budget = cjson.decode(redis.call('HGET', K.budgets(), key) or '{}')
  if budget.ask ~= id or budget.since ~= period_now(budget.period) then return end
  local before = allowed_by(budget)
  budget.extra, budget.ask, budget.warned = (budget.extra or 0) + budget.limit, nil, nil
  save_budget(key, budget)
  record_act('budget.set', 'budget ' .. key, before, allowed_by(budget) .. ' until the period ends')
  look_again(key, budget)
  go_on_within(key)
end
