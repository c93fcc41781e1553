-- uses: log
-- What a plan allows, what was used of it by UTC day, and what is said of that. A limit of 0 means none.
local DAY_MS = 86400000

-- The day of an instant, as 2026-01-31: days since 1 March of the year 0, in which leap days come last.
local function day_of(ms)
  local days = math.floor(ms / DAY_MS) + 719468
  local era = math.floor(days / 146097)
  local of_era = days - era * 146097
  local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  local day = of_year - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  return string.format('%04d-%02d-%02d', year + era * 400 + (month <= 2 and 1 or 0), month, day)
end

local TODAY = day_of(NOW)

local function midnight() return (math.floor(NOW / DAY_MS) + 1) * DAY_MS end

-- A refusal when so many are as many as the plan allows; what is said of it is put into words outside.
local function over_limit(what, plan, used, limit, resets_at_ms)
  if limit == 0 or used < limit then return nil end
  return refuse('PlanLimitReached', 'PLAN_LIMIT', what,
    object('what', what, 'plan', plan, resets_at_ms and 'resets_at_ms', resets_at_ms))
end

-- A refusal while the workspace is read-only because it was not paid for.
local function not_paid_for(plan)
  if redis.call('HEXISTS', K.workspace(), 'read_only') == 0 then return nil end
  return refuse('PlanLimitReached', 'PLAN_LIMIT', 'payment', object('what', 'payment', 'plan', plan))
end

-- Adds to a counter of today's. Returns what it is now.
local function count(name, by)
  local used = redis.call('HINCRBY', K.usage(TODAY), name, by)
  redis.call('EXPIRE', K.usage(TODAY), T.usage_kept_s)
  return used
end

local NOUNS = {agents = 'agents at once', messages_per_day = 'messages a day'}

-- What is said of a limit, by the log, the terminal and the dashboard alike.
local function warning(what, plan, used, limit, resets_at_ms)
  return used .. ' of the ' .. limit .. ' ' .. NOUNS[what] .. ' of the plan ' .. plan .. ' are used'
    .. (resets_at_ms and '; they begin anew at 00:00 UTC' or '')
end

-- Adds an agent's time since it was spawned or brought back to the days that it ran on.
local function count_time(agent)
  local f = fields(K.agent(agent), 'runs_since', 'spawned')
  local since = tonumber(f.runs_since or f.spawned)
  while since and since < NOW do
    local ends = math.min((math.floor(since / DAY_MS) + 1) * DAY_MS, NOW)
    local day = K.usage(day_of(since))
    redis.call('HINCRBY', day, 'agent_ms', ends - since)
    redis.call('EXPIRE', day, T.usage_kept_s)
    since = ends
  end
end

local note_pause
do
  local function keep_pause(key, pause, most)
    redis.call('LPUSH', key, pause)
    redis.call('LTRIM', key, 0, most - 1)
    redis.call('EXPIRE', key, T.usage_kept_s)
  end

  -- Writes down what a budget or a limit makes wait from now on, and until when at most. `pause`: JSON. `agent`: whose turn
  -- has spent the rest, if any has. `is_wide`: whether agents of other sessions may wait for it too. Kept for the session
  -- and the agent as well, so that what stopped those is found without what has stopped all others.
  function note_pause(pause, session, agent, is_wide)
    keep_pause(K.pauses(), pause, T.pauses)
    keep_pause(K.session_pauses(session), pause, T.pauses_of_one)
    if agent then keep_pause(K.agent_pauses(agent), pause, T.pauses_of_one) end
    if is_wide then keep_pause(K.wide_pauses(), pause, T.pauses) end
  end
end

-- Tells a session, once a day for each step, that a limit is near or reached.
local function warn(session, what, plan, used, limit, resets_at_ms)
  if limit == 0 then return end
  local percent = used >= limit and 100 or limit >= T.least_limit_warned
    and used * 100 >= limit * T.plan_warning_percent and T.plan_warning_percent
  if not percent or redis.call('HSETNX', K.usage(TODAY), 'warned:' .. what .. ':' .. percent, 1) == 0 then return end
  redis.call('EXPIRE', K.usage(TODAY), T.usage_kept_s)
  append(session, 'plan.warning', nil, nil, object('what', what, 'percent', percent, 'used', used, 'limit', limit,
    'plan', plan, resets_at_ms and 'resets_at_ms', resets_at_ms,
    'text', warning(what, plan, used, limit, resets_at_ms)))
  if percent == 100 then
    note_pause(object('at_ms', NOW, 'limit', what, 'session', session, 'until_ms', resets_at_ms,
      'text', warning(what, plan, used, limit, resets_at_ms)), session, nil, true)
  end
end

-- The same for messages, which begin anew each day.
local function over_messages(plan, limit)
  local unpaid = not_paid_for(plan)
  if unpaid then return unpaid end
  if limit == 0 then return nil end
  local used = tonumber(redis.call('HGET', K.usage(TODAY), 'messages') or '0')
  return over_limit('messages_per_day', plan, used, limit, midnight())
end

local function count_message(session, plan, limit)
  warn(session, 'messages_per_day', plan, count('messages', 1), limit, midnight())
end

local function over_agents(plan, limit)
  return not_paid_for(plan) or over_limit('agents', plan, redis.call('SCARD', K.live()), limit)
end

local function warn_of_agents(session, plan, limit) warn(session, 'agents', plan, redis.call('SCARD', K.live()), limit) end
