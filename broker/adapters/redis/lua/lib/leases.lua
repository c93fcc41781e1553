-- Who alone does something for a while: the holder renews, anybody may take a lease that has ended. 1 when it is theirs, else 0.
local function take_lease(key, by, length_ms)
  local holder = redis.call('GET', key)
  if holder and holder ~= by then
    -- The clock was set back since: a holder that is gone would keep it for as much longer.
    redis.call('PEXPIRE', key, length_ms, 'LT')
    return 0
  end
  redis.call('SET', key, by, 'PX', length_ms)
  return 1
end
