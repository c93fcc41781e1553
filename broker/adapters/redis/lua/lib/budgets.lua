-- uses: plans
-- Budgets: asked before a turn begins, charged when it is known what was spent. A workspace without any pays one EXISTS.
local UNITS = {'usd', 'tokens', 'turns', 'minutes'}

-- Tells whoever follows budgets, once for each script.
local tell_budgets
do
  local is_told = false
  function tell_budgets()
    if not is_told then redis.call('PUBLISH', K.budgets_channel(), '1') end
    is_told = true
  end
end

local function save_budget(key, budget)
  redis.call('HSET', K.budgets(), key, cjson.encode(budget))
  tell_budgets()
end

-- The present period: a budget whose `since` is another has begun anew.
local function period_now(period)
  return period == 'day' and TODAY or period == 'month' and string.sub(TODAY, 1, 7) or ''
end

-- The midnight at which the present period is over; nil when none is its end.
local function period_ends(period)
  if period == 'total' or period == 'run' then return nil end
  local at = midnight()
  if period == 'month' then
    while string.sub(day_of(at), 1, 7) == string.sub(TODAY, 1, 7) do at = at + DAY_MS end
  end
  return at
end

local function begin_period(budget, since)
  budget.since, budget.spent, budget.warned, budget.extra, budget.ask, budget.estimated = since, 0, nil, nil, nil, nil
end

-- Under which field a run's record keeps what it has spent of such a budget while it does not go on.
local function kept_in_run(key) return 'budget ' .. key end

-- Those that an agent is paid from, in this period: rows of {key, budget}.
local budgets_of
do
  local PERIODS, DEEPEST = {'day', 'month', 'total', 'run'}, 50

  -- The member who is behind an agent; nil where it is none.
  local function person_behind(a)
    local behind = redis.call('HGET', K.agent(a.id), 'behind')
    local member = behind and behind ~= '' and cjson.decode(behind).member
    return type(member) == 'string' and member or nil
  end

  -- The run of a workflow that has the part, JSON; where another run calls it, or an agent of another has begun it, the
  -- outermost of them.
  local function run_that_pays(part)
    if not part or part == '' then return nil end
    local run = cjson.decode(part).run
    for _ = 1, DEEPEST do
      local r = fields(K.workflow_run(run), 'root', 'origin', 'within')
      local around = filled(r.root or '') and r.origin or filled(r.within or '')
      if not around then break end
      run = around
    end
    return run
  end

  -- What an agent is paid from: the workspace, its session, itself, the trees that it is in, and who is behind it; and the
  -- run of a workflow that it is in, by itself or as a child of one that is; nil for none.
  local function payers(a)
    local found, above = {'workspace', 'session:' .. a.session, 'agent:' .. a.id, 'tree:' .. a.id}, a.spawner
    local run = run_that_pays(redis.call('HGET', K.agent(a.id), 'part'))
    local person = person_behind(a)
    if person then found[#found + 1] = 'person:' .. person end
    while above and above ~= '' and #found < DEEPEST do
      found[#found + 1] = 'tree:' .. above
      local spawner = fields(K.agent(above), 'spawner', 'part')
      above, run = spawner.spawner, run or run_that_pays(spawner.part)
    end
    return found, run
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

  -- The key of what one run has spent of a budget of `run`, which itself is charged nothing: it says what each may spend.
  local function key_in_run(key, run) return key .. ':' .. run end

  -- How a budget of `run` stands in a run; nil where there is none that goes on.
  local function budget_in_run(key, every, run)
    local text = run and redis.call('HGET', K.budgets(), key_in_run(key, run))
    if text then return cjson.decode(text) end
    if not run or redis.call('SISMEMBER', K.workflow_open(), run) == 0 then return nil end
    local kept = redis.call('HGET', K.workflow_run(run), kept_in_run(key))
    local budget = kept and cjson.decode(kept) or {spent = 0, since = ''}
    for _, name in ipairs({'limit', 'unit', 'period', 'name', 'by', 'session', 'interrupt', 'at_ms'}) do
      budget[name] = every[name]
    end
    return budget
  end

  function budgets_of(a, units)
    local places, run = payers(a)
    local names, rows = budget_keys(places, units), {}
    for i, text in ipairs(redis.call('HMGET', K.budgets(), unpack(names))) do
      local key, budget = names[i], text and cjson.decode(text)
      if budget and budget.period == 'run' then
        budget = budget_in_run(key, budget, run)
        key = run and key_in_run(key, run)
      end
      if budget then
        local since = period_now(budget.period)
        if budget.since ~= since then begin_period(budget, since) end
        rows[#rows + 1] = {key, budget}
      end
    end
    return rows
  end
end

-- The keys of budgets of which `is_wanted` says so.
local function budgets_where(is_wanted)
  local found = {}
  for _, key in ipairs(redis.call('HKEYS', K.budgets())) do
    if is_wanted(key) then found[#found + 1] = key end
  end
  return found
end

-- The keys of what runs have spent of a budget of `run`.
local function keys_in_runs(key)
  return budgets_where(function(other) return string.sub(other, 1, #key + 1) == key .. ':' end)
end

-- What may be spent in this period: the limit, and what somebody has allowed beyond it for once.
local function allowed_by(budget) return budget.limit + (budget.extra or 0) end

-- How long the turns that run have run, in a budget of minutes.
local function running_ms(budget)
  return budget.unit == 'minutes' and (budget.running or 0) * NOW - (budget.began or 0) or 0
end

-- What is spent, and what the turns that run are expected to spend, or have by now.
local function committed(budget) return budget.spent + math.max(budget.held or 0, running_ms(budget)) end

local function is_spent(budget) return budget.spent >= allowed_by(budget) end

-- Looks at a budget again when something may have changed by itself: its period is over, its minutes are, or those that
-- hold a part of it should have given it back.
local function look_again(key, budget)
  local at = is_spent(budget) and period_ends(budget.period) or budget.waits and NOW + T.budget_look_ms or nil
  if budget.interrupt and budget.unit == 'minutes' and not is_spent(budget) and (budget.running or 0) > 0 then
    local over_at = NOW + math.max(1, math.ceil((allowed_by(budget) - budget.spent - running_ms(budget)) / budget.running))
    at = math.min(at or over_at, over_at)
  end
  if at then wake_at(at, 'budget|' .. key) end
end

-- Why no turn of the agent may begin now: something is spent, or held by turns that run; nil when one may. `joins`:
-- when what comes is of the turn that runs, for which room was set aside.
local function budget_lack(a, joins)
  if redis.call('EXISTS', K.budgets()) == 0 then return nil end
  local lack
  for _, row in ipairs(budgets_of(a, UNITS)) do
    local key, budget = row[1], row[2]
    if is_spent(budget) then return 'budget_spent' end
    if not joins and committed(budget) >= allowed_by(budget) then
      lack = 'budget_held'
      if not budget.waits then
        budget.waits = true
        save_budget(key, budget)
        look_again(key, budget)
      end
    end
  end
  return lack
end

-- A turn begins: what turns take on average is set aside in every budget that it is paid from. A turn itself is counted
-- when it begins, so nothing of that is.
local function hold_budget(a)
  if a.held or redis.call('EXISTS', K.budgets()) == 0 then return end
  local rows, so_far = {}, fields(K.agent(a.id), 'spent_usd', 'spent_tokens')
  for _, row in ipairs(budgets_of(a, UNITS)) do
    local key, budget = row[1], row[2]
    local amount = budget.unit ~= 'turns' and math.floor(budget.mean or 0) or 0
    budget.held, budget.running, budget.began = (budget.held or 0) + amount, (budget.running or 0) + 1, (budget.began or 0) + NOW
    rows[#rows + 1] = {key, amount}
    save_budget(key, budget)
    look_again(key, budget)
  end
  if #rows == 0 then return end
  a.held = cjson.encode({at = NOW, usd = tonumber(so_far.spent_usd or '0'), tokens = tonumber(so_far.spent_tokens or '0'), rows = rows})
  redis.call('HSET', K.agent(a.id), 'held', a.held)
end

-- The turn is over: what was set aside is given back, what it took goes into the average, and who waits is looked at.
local function settle_budget(a)
  if not a.held then return end
  local held, so_far = cjson.decode(a.held), fields(K.agent(a.id), 'spent_usd', 'spent_tokens')
  local took = {usd = tonumber(so_far.spent_usd or '0') - held.usd, tokens = tonumber(so_far.spent_tokens or '0') - held.tokens,
    minutes = NOW - held.at}
  a.held = nil
  redis.call('HDEL', K.agent(a.id), 'held')
  for _, row in ipairs(held.rows) do
    local key, text = row[1], redis.call('HGET', K.budgets(), row[1])
    if text then
      local budget = cjson.decode(text)
      local took_now = took[budget.unit]
      if took_now then budget.mean = budget.mean and (3 * budget.mean + took_now) / 4 or took_now end
      budget.held, budget.running = math.max(0, (budget.held or 0) - row[2]), math.max(0, (budget.running or 0) - 1)
      budget.began = budget.running > 0 and (budget.began or 0) - held.at or 0
      if budget.waits then
        budget.waits = nil
        wake_at(NOW, 'budget|' .. key)
      end
      save_budget(key, budget)
    end
  end
end

-- Whether turns of the agent are to end because a budget that says so is spent.
local function budget_interrupts(a)
  if redis.call('EXISTS', K.budgets()) == 0 then return false end
  for _, row in ipairs(budgets_of(a, UNITS)) do
    if row[2].interrupt and is_spent(row[2]) then return true end
  end
  return false
end

local SHOWN = {
  usd = function(amount) return string.format('$%.2f', amount / 1e6) end,
  tokens = function(amount) return string.format('%d tokens', amount) end,
  turns = function(amount) return string.format('%d turns', amount) end,
  minutes = function(amount) return string.format('%.1f minutes', amount / 60000) end,
}
local budget_text
do
  local WHEN = {day = 'of today', month = 'of this month', total = 'in total', run = 'in this run'}

  -- What is said of a budget, by the log, the terminal and the dashboard alike.
  function budget_text(key, budget)
    local shown, scope = SHOWN[budget.unit], string.match(key, '^%a+')
    return 'the budget of the ' .. scope .. (budget.name ~= '' and ' ' .. budget.name or '') .. ' '
      .. WHEN[budget.period] .. (is_spent(budget) and ' is spent: ' or ' is nearly spent: ')
      .. shown(budget.spent) .. (budget.estimated and ' (partly estimated)' or '') .. ' of ' .. shown(allowed_by(budget))
      .. (is_spent(budget) and (budget.interrupt and '; running turns are stopped, and' or ';')
        .. ' messages wait until somebody raises it' or '')
  end
end

local spend
do
  -- Whether agents of several sessions may be paid from it: of a run's, none but those of the run are.
  local function is_wide(key)
    local payer, period = string.match(key, '^(%a+)%S* %a+ (%S+)$')
    return (payer == 'workspace' or payer == 'person') and not string.find(period, ':', 1, true)
  end

  local function tell_budget(a, kind, key, budget)
    append(a.session, kind, a.id, a.name, object('budget', key, 'name', budget.name, 'unit', budget.unit,
      'period', budget.period, 'spent', budget.spent, 'limit', allowed_by(budget), 'text', budget_text(key, budget)))
  end

  -- Asks people whether as much again may be spent in this period: an approval like any other. Returns its id.
  local function ask_for_more(a, key, budget)
    local id = string.sub(redis.sha1hex(ROOT .. ' ' .. key .. ' ' .. allowed_by(budget) .. ' ' .. NOW), 1, 32)
    local all, ends = K.session_approvals(a.session), period_ends(budget.period) or NOW + T.approval_kept_s * 1000
    local title = budget_text(key, budget) .. '. May ' .. SHOWN[budget.unit](budget.limit) .. ' more be spent?'
    local body = object('tool', 'budget', 'title', title, 'command', nil, 'cwd', nil, 'changes', raw('[]'),
      'input', raw(object('budget', key, 'more', budget.limit)), 'reason', nil, 'can_allow_session', false,
      'risk', 'medium', 'risk_reasons', raw('[]'), 'suggested_rules', raw('[]'))
    redis.call('HSET', K.approval(id), 'id', id, 'agent', '', 'budget', key, 'session', a.session, 'name', 'budget',
      'status', 'pending', 'body', body, 'asked_ms', NOW, 'deadline_ms', ends)
    redis.call('EXPIRE', K.approval(id), math.ceil((ends - NOW) / 1000) + T.approval_kept_s)
    redis.call('ZADD', all, next_place(all), id)
    redis.call('ZREMRANGEBYRANK', all, 0, -1001)
    redis.call('EXPIRE', all, T.workflow_open_s)
    redis.call('ZADD', K.pending_approvals(), NOW, id)
    wake_at(ends, 'approval|' .. id)
    append(a.session, 'approval.requested', nil, 'budget', extended(body, 'id', id, 'agent', 'budget', 'agent_id', '',
      'status', 'pending'))
    return id
  end

  -- Charges what was spent of a unit to every budget that the agent is paid from. `estimated`: by a table of prices.
  function spend(a, unit, amount, estimated)
    if amount <= 0 or redis.call('EXISTS', K.budgets()) == 0 then return end
    for _, row in ipairs(budgets_of(a, {unit})) do
      local key, budget = row[1], row[2]
      local was_spent = is_spent(budget)
      budget.spent, budget.estimated = budget.spent + amount, budget.estimated or estimated or nil
      if is_spent(budget) and not was_spent then
        tell_budget(a, 'budget.spent', key, budget)
        note_pause(object('at_ms', NOW, 'budget', key, 'session', a.session, 'agent', a.id, 'name', a.name,
          'until_ms', period_ends(budget.period), 'text', budget_text(key, budget)), a.session, a.id, is_wide(key))
        budget.ask = ask_for_more(a, key, budget)
        wake_at(NOW, 'budget|' .. key)
      elseif not is_spent(budget) and not budget.warned
        and budget.spent * 100 >= allowed_by(budget) * T.plan_warning_percent then
        budget.warned = true
        tell_budget(a, 'budget.warning', key, budget)
      end
      save_budget(key, budget)
    end
  end
end

local spend_reported
do
  -- What a vendor that reports no cost costs by the prices of its model, in millionths of a dollar; 0 without a price.
  local function estimate(a, usage)
    local price = redis.call('HGET', K.agent(a.id), 'price') or ''
    if price == '' or not usage.input then return 0 end
    local read, written, cached = unpack(cjson.decode(price))
    return math.floor((usage.input - usage.cached) * read + usage.output * written + usage.cached * cached + 0.5)
  end

  -- Charges what a vendor reports; running totals count by what they have grown since the last one.
  function spend_reported(a, reported)
    local usage = cjson.decode(reported)
    local usd = usage.usd or estimate(a, usage)
    if not usage.usd and usd > 0 then redis.call('HSET', K.agent(a.id), 'estimated', 1) end
    for unit, amount in pairs({usd = usd, tokens = usage.tokens}) do
      local grown = amount
      if usage.cumulative then
        local before = tonumber(redis.call('HGET', K.agent(a.id), 'total_' .. unit) or '0')
        if amount >= before then grown = amount - before end
        redis.call('HSET', K.agent(a.id), 'total_' .. unit, amount)
      end
      if grown > 0 then redis.call('HINCRBY', K.agent(a.id), 'spent_' .. unit, grown) end
      spend(a, unit, grown, unit == 'usd' and not usage.usd)
    end
  end
end
