-- uses: budgets
-- What leads give to the agents that they spawn, out of what a person has allowed themselves.

-- Why a lead cannot give an agent below it so much of a unit, nil when it can; and whether it has a budget of that itself.
local cannot_give
do
  -- What agents that live may still spend of what a lead has given them.
  local function promised_by(lead, unit)
    local sum, rows = 0, redis.call('HGETALL', K.budgets())
    for i = 1, #rows, 2 do
      local budget = cjson.decode(rows[i + 1])
      if budget.giver == lead and budget.unit == unit
        and redis.call('SISMEMBER', K.live(), string.match(rows[i], '^tree:(%S+) ')) == 1 then
        sum = sum + math.max(0, allowed_by(budget) - budget.spent)
      end
    end
    return sum
  end

  function cannot_give(lead, session, unit, amount)
    local has_own = false
    for _, row in ipairs(budgets_of({id = lead, session = session}, {unit})) do
      if string.find(row[1], '^agent:') or string.find(row[1], '^tree:') then
        has_own = true
        local left = math.max(0, allowed_by(row[2]) - committed(row[2]) - promised_by(lead, unit))
        if amount > left then
          return refuse('NotPermitted', 'NOT_PERMITTED', 'your own budget has not that much left (' .. SHOWN[unit](left)
            .. ' that you have not given to others): ask a person'), has_own
        end
      end
    end
    return nil, has_own
  end
end

-- A new agent, with all that it spawns, may spend so much. It is charged to the lead's own budgets as it is spent.
local function give(agent, name, session, lead, lead_name, gift)
  local key = 'tree:' .. agent .. ' ' .. gift.unit .. ' total'
  save_budget(key, {spent = 0, since = period_now('total'), limit = gift.amount, unit = gift.unit, period = 'total', name = name,
    by = lead_name, giver = lead, session = session, at_ms = NOW})
  return key
end
