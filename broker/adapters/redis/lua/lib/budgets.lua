-- uses: plans
-- Budgets: asked before a turn begins, charged when it is known what was spent. A workspace without any pays one EXISTS.
local UNITS = {'usd', 'tokens', 'turns', 'minutes'}
local PERIODS = {'day', 'month', 'total'}
local DEEPEST = 50

-- The present period: a budget whose `since` is another has begun anew.
local function period_now(period)
  return period == 'day' and TODAY or period == 'month' and string.sub(TODAY, 1, 7) or ''
end

-- The midnight at which the present period is over; nil when it never is.
local function period_ends(period)
  if period == 'total' then return nil end
  local at = midnight()
  if period == 'month' then
    while string.sub(day_of(at), 1, 7) == string.sub(TODAY, 1, 7) do at = at + DAY_MS end
  end
  return at
end

-- What an agent is paid from: the workspace, its session, itself, and the trees that it is in.
local function payers(a)
  local found, above = {'workspace', 'session:' .. a.session, 'agent:' .. a.id, 'tree:' .. a.id}, a.spawner
  while above and above ~= '' and #found < DEEPEST do
    found[#found + 1] = 'tree:' .. above
    above = redis.call('HGET', K.agent(above), 'spawner')
  end
  return found
end

-- The keys of all budgets there may be for those, of some units.
local function budget_keys(places, units)
  local found = {}
  for _, place in ipairs(places) do
    for _, unit in ipairs(units) do
      for _, period in ipairs(PERIODS) do found[#found + 1] = place .. ' ' .. unit .. ' ' .. period end
    end
  end
  return found
end

-- Those that there are, in this period: rows of {key, budget}.
local function budgets_of(a, units)
  local names, rows = budget_keys(payers(a), units), {}
  for i, text in ipairs(redis.call('HMGET', K.budgets(), unpack(names))) do
    if text then
      local budget = cjson.decode(text)
      local since = period_now(budget.period)
      if budget.since ~= since then budget.since, budget.spent, budget.warned = since, 0, nil end
      rows[#rows + 1] = {names[i], budget}
    end
  end
  return rows
end

-- Whether no turn of the agent may begin because something is spent.
local function budget_over(a)
  if redis.call('EXISTS', K.budgets()) == 0 then return false end
  for _, row in ipairs(budgets_of(a, UNITS)) do
    if row[2].spent >= row[2].limit then return true end
  end
  return false
end

local SHOWN = {
  usd = function(amount) return string.format('$%.2f', amount / 1e6) end,
  tokens = function(amount) return string.format('%d tokens', amount) end,
  turns = function(amount) return string.format('%d turns', amount) end,
  minutes = function(amount) return string.format('%.1f minutes', amount / 60000) end,
}
local WHEN = {day = 'of today', month = 'of this month', total = 'in total'}

-- What is said of a budget, by the log, the terminal and the dashboard alike.
local function budget_text(key, budget)
  local shown, scope = SHOWN[budget.unit], string.match(key, '^%a+')
  return 'the budget of the ' .. scope .. (budget.name ~= '' and ' ' .. budget.name or '') .. ' '
    .. WHEN[budget.period] .. (budget.spent >= budget.limit and ' is spent: ' or ' is nearly spent: ')
    .. shown(budget.spent) .. ' of ' .. shown(budget.limit)
    .. (budget.spent >= budget.limit and '; messages wait until somebody raises it' or '')
end

local function tell_budget(a, kind, key, budget)
  append(a.session, kind, a.id, a.name, object('budget', key, 'name', budget.name, 'unit', budget.unit,
    'period', budget.period, 'spent', budget.spent, 'limit', budget.limit, 'text', budget_text(key, budget)))
end

-- Charges what was spent of a unit to every budget that the agent is paid from.
local function spend(a, unit, amount)
  if amount <= 0 or redis.call('EXISTS', K.budgets()) == 0 then return end
  for _, row in ipairs(budgets_of(a, {unit})) do
    local key, budget = row[1], row[2]
    local before = budget.spent
    budget.spent = before + amount
    if budget.spent >= budget.limit and before < budget.limit then
      tell_budget(a, 'budget.spent', key, budget)
      local ends = period_ends(budget.period)
      if ends then wake_at(ends, 'budget|' .. key) end
    elseif budget.spent < budget.limit and not budget.warned
      and budget.spent * 100 >= budget.limit * T.plan_warning_percent then
      budget.warned = true
      tell_budget(a, 'budget.warning', key, budget)
    end
    redis.call('HSET', K.budgets(), key, cjson.encode(budget))
  end
end

-- Charges what a vendor reports; running totals count by what they have grown since the last one.
local function spend_reported(a, reported)
  local usage = cjson.decode(reported)
  for unit, amount in pairs({usd = usage.usd, tokens = usage.tokens}) do
    local grown = amount
    if usage.cumulative then
      local before = tonumber(redis.call('HGET', K.agent(a.id), 'total_' .. unit) or '0')
      if amount >= before then grown = amount - before end
      redis.call('HSET', K.agent(a.id), 'total_' .. unit, amount)
    end
    spend(a, unit, grown)
  end
end
