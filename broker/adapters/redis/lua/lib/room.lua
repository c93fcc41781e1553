-- uses: agents
-- Hands over what waited for room in a budget, some agents at a time; a timer goes on with the others.
local AT_ONCE = 50

local function go_on_within(key)
  local left = AT_ONCE
  for _, agent in ipairs(redis.call('SMEMBERS', K.live())) do
    if redis.call('ZCARD', K.queue(agent)) > 0 then
      if left == 0 then return wake_at(NOW, 'budget|' .. key) end
      local a = load_agent(agent)
      if not obstacle(a) then
        left = left - 1
        dispatch(a)
      end
    end
  end
end

-- The agents whose running turns hold a part of a budget: rows of {agent, what is held, since when}.
local function holders(key)
  local found = {}
  for _, agent in ipairs(redis.call('SMEMBERS', K.live())) do
    local text = redis.call('HGET', K.agent(agent), 'held')
    if text and string.find(text, key, 1, true) then
      local held = cjson.decode(text)
      for _, row in ipairs(held.rows) do
        if row[1] == key then found[#found + 1] = {agent, row[2], held.at} end
      end
    end
  end
  return found
end

-- Ends the turns that a budget pays for, each once.
local function stop_turns(rows)
  for _, row in ipairs(rows) do
    local a = load_agent(row[1])
    local is_told = a.turn ~= '' and redis.call('HGET', K.agent(a.id), 'cut') == a.turn
    if a.state == 'working' and not is_told then
      redis.call('HSET', K.agent(a.id), 'cut', a.turn)
      interrupt(a)
    end
  end
end

-- Tells the agent that spawned another one that its budget is spent: it may raise it out of its own.
local function tell_lead(key, budget)
  local scope, of = string.match(key, '^(%a+):(%S+) ')
  if scope ~= 'agent' and scope ~= 'tree' then return end
  local child = fields(K.agent(of), 'spawner', 'name')
  local lead = child.spawner and load_agent(child.spawner)
  if not lead or not lead.id or has_ended(lead) then return end
  local text = string.gsub(budget_text(key, budget), '^t', 'T') .. '. Your agent ' .. child.name
    .. ' asks for as much again: relay_raise_budget answers that, out of what is left of your own budget of the kind; else a person does.'
  send_from_relay(lead, redis.sha1hex(budget.ask .. lead.id), text, nil)
end

-- What a budget does by itself: it begins anew with its period, ends turns where it says so, and lets go on who waits.
local function look_at_budget(key)
  local text = redis.call('HGET', K.budgets(), key)
  if not text then return go_on_within(key) end
  local budget = cjson.decode(text)
  local since = period_now(budget.period)
  if budget.since ~= since then begin_period(budget, since) end
  local is_news = budget.ask and budget.told ~= budget.ask
  budget.waits, budget.told = nil, budget.ask
  local rows = holders(key)
  budget.held, budget.running, budget.began = 0, #rows, 0
  for _, row in ipairs(rows) do budget.held, budget.began = budget.held + row[2], budget.began + row[3] end
  save_budget(key, budget)
  if budget.interrupt and budget.spent + running_ms(budget) >= allowed_by(budget) then stop_turns(rows) end
  look_again(key, budget)
  if is_news then tell_lead(key, budget) end
  go_on_within(key)
end
