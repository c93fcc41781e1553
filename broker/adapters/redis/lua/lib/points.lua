-- A bucket of points, kept as the time at which it will be whole again: one number says all of it. Takes some, or
-- nothing where there are too few. `set` is `redis.call`, or `redis.pcall` where a store that is full is to stop nobody.
-- Returns {0 when they were taken, else the milliseconds until they can be; the points that are left; the milliseconds
-- until all are there again}
local function take_from(key, points, per_s, burst, set)
  local whole_at = math.max(NOW, tonumber(redis.call('GET', key) or '0'))
  local point_ms = 1000 / per_s
  -- Nobody owes more than all: the clock was set back since, or there were more points then.
  if whole_at > NOW + burst * point_ms then whole_at = NOW end
  local then_at = whole_at + points * point_ms
  local wait_ms = then_at - (NOW + burst * point_ms)
  local function told(wait, at)
    return {math.ceil(wait), math.floor(burst - (at - NOW) / point_ms), math.ceil(at - NOW)}
  end
  if wait_ms > 0 then return told(wait_ms, whole_at) end
  set('SET', key, string.format('%.3f', then_at), 'PX', math.ceil(then_at - NOW))
  return told(0, then_at)
end
