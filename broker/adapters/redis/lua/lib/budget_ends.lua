-- uses: budgets gates
-- How budgets end: with whom they are of, with a run, or by hand.

-- What waited for it goes on when its timer is due.
local function drop_budget(key)
  local text = redis.call('HGET', K.budgets(), key)
  if not text then return end
  withdraw_question(cjson.decode(text))
  redis.call('HDEL', K.budgets(), key)
  wake_at(NOW, 'budget|' .. key)
  tell_budgets()
end

-- Nothing is left of a session or an agent that had some.
local function drop_budgets_of(id)
  if redis.call('EXISTS', K.budgets()) == 0 then return end
  for _, key in ipairs(budgets_where(function(key) return string.match(key, '^%a+:(%S+) ') == id end)) do drop_budget(key) end
end

-- A run is over: its record keeps what it has spent, for it may go on again.
local function end_budgets_of_run(run)
  if redis.call('EXISTS', K.budgets()) == 0 then return end
  local ending = ' run:' .. run
  for _, key in ipairs(budgets_where(function(key) return string.sub(key, -#ending) == ending end)) do
    local budget = cjson.decode(redis.call('HGET', K.budgets(), key))
    drop_budget(key)
    budget.held, budget.running, budget.began, budget.waits, budget.ask = nil, nil, nil, nil, nil
    redis.call('HSET', K.workflow_run(run), kept_in_run(string.sub(key, 1, -#run - 2)), cjson.encode(budget))
  end
end

-- Why there can be no further budget; nil when there can.
local too_many_budgets
do
  -- Drops what leads have given to agents that have ended, and none of whose children lives.
  local function drop_gifts_of_ended()
    local needed = {}
    for _, agent in ipairs(redis.call('SMEMBERS', K.live())) do
      while agent and agent ~= '' and not needed[agent] do
        needed[agent] = true
        agent = redis.call('HGET', K.agent(agent), 'spawner')
      end
    end
    local function is_idle(key)
      local agent = string.match(key, '^tree:(%S+) ')
      return agent and not needed[agent]
    end
    for _, key in ipairs(budgets_where(is_idle)) do
      if cjson.decode(redis.call('HGET', K.budgets(), key)).giver then drop_budget(key) end
    end
  end

  local function is_full()
    return #budgets_where(function(key) return not string.find(key, ' run:', 1, true) end) >= T.budgets
  end

  function too_many_budgets()
    if is_full() then drop_gifts_of_ended() end
    if not is_full() then return nil end
    return refuse('Conflict', 'TOO_MANY_BUDGETS', T.budgets .. ' budgets at most; remove some first')
  end
end
