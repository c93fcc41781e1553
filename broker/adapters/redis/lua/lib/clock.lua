-- The store's clock was set, as NTP or a person does, or another server with another clock has taken over. The store has
-- no clock that nobody sets, so who claims timers says how much time has passed by theirs.

-- Deadlines of the calendar, which people are shown as an instant, and those that are months away.
local STAYS = {approval = true, budget = true, forget = true, unused = true}

-- What was written down by the clock as it was, and not since: nearer to what it would show now than to what it shows.
local function is_of_before(at, step) return math.abs(at - (NOW - step)) <= math.abs(at - NOW) end

-- A message's time to live may be as long as the step: when it was sent says by which clock that ends. `lasted` is
-- endless where nobody knows when the clock was set: then one that was sent in time to come is of before.
local function is_lifetime_of_before(message, at, step, lasted)
  local sent = tonumber(redis.call('HGET', K.message(message), 'at') or '')
  if not sent then return is_of_before(at, step) end
  return sent < NOW - lasted - T.clock_back_ms or sent > NOW
end

-- What was to be in so many seconds is to be in as many still. What was put there since the clock was set is right.
local function move_timers(step, lasted)
  local all = redis.call('ZRANGE', K.timers(), 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local kind, about = string.match(all[i], '^([^|]+)|?([^|]*)')
    local at = tonumber(all[i + 1])
    if kind == 'ttl' then
      if is_lifetime_of_before(about, at, step, lasted) then
        redis.call('ZADD', K.timers(), at + step, all[i])
        if redis.call('HEXISTS', K.message(about), 'expires') == 1 then
          redis.call('HINCRBY', K.message(about), 'expires', step)
        end
      end
    elseif not STAYS[kind] and is_of_before(at, step) then
      redis.call('ZADD', K.timers(), at + step, all[i])
    end
  end
end

local function move_all(key, step)
  local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    if is_of_before(tonumber(all[i + 1]), step) then redis.call('ZADD', key, all[i + 1] + step, all[i]) end
  end
end

-- Orders of hooks and workflows that a machine has not taken say themselves until when it may begin them.
local function move_orders(link, step)
  local entries, found = redis.call('XRANGE', K.outbox(link), '-', '+'), false
  for _, entry in ipairs(entries) do
    local text = entry[2][2]
    local kind = string.match(text, '^{"type":"(run_%w+)"')
    local before, at, behind = string.match(text, '^(.*"not_after_ms":)(%d+)(}*)$')
    if (kind == 'run_command' or kind == 'run_hook') and at and is_of_before(tonumber(at), step) then
      entry[2][2] = before .. string.format('%d', tonumber(at) + step) .. behind
      redis.call('HINCRBY', K.link(link), 'out_bytes', #entry[2][2] - #text)
      found = true
    end
  end
  if not found then return end
  redis.call('DEL', K.outbox(link))
  for _, entry in ipairs(entries) do redis.call('XADD', K.outbox(link), entry[1], 'c', entry[2][2]) end
end

-- `before`: when the caller was here last, by this clock, '' at first; `lasted`: the milliseconds since then, by theirs;
-- `known`: the sum of all steps as they were told it then. Returns that sum now. Told twice, or by many, it moves all
-- once. Peers count on from what they were told: they connect anew, and are told what time it is.
-- Who has not been here before goes by when anybody was: where that is still to come, the clock was set back while
-- nobody ran, by that much at the least. One that was set ahead is not to be told from a broker that was down for long.
local function notice_step(before, lasted, known)
  local w = fields(K.workspace(), 'clock_steps', 'clock_at')
  local all, at = tonumber(w.clock_steps or '0'), tonumber(w.clock_at or NOW)
  local step
  if before ~= '' then
    step, lasted = NOW - tonumber(before) - tonumber(lasted) - (all - tonumber(known)), tonumber(lasted)
  else
    step, lasted = math.min(0, NOW - at), math.huge
  end
  local is_set = step <= -T.clock_back_ms or step >= T.clock_ahead_ms
  if is_set or not w.clock_at or math.abs(NOW - at) >= T.clock_noted_ms then
    redis.call('HSET', K.workspace(), 'clock_at', NOW)
  end
  if not is_set then return all end
  move_timers(step, lasted)
  move_all(K.workflow_due(), step)
  move_all(K.hook_deliveries(), step)
  for _, link in ipairs(redis.call('HVALS', K.proxies())) do move_orders(link, step) end
  for _, link in ipairs(redis.call('HKEYS', K.leases())) do redis.call('PUBLISH', K.link_channel(link), '!kick') end
  return redis.call('HINCRBY', K.workspace(), 'clock_steps', step)
end
