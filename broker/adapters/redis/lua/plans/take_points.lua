-- A token's allowance, kept as the time at which it will be whole again: one number says all of a bucket.
-- KEYS[1] workspace root
-- ARGV    1 token id  2 points to take  3 points earned a second  4 points that can be saved up
-- Returns 0 when they were taken, else the milliseconds until they can be
local whole_at = math.max(NOW, tonumber(redis.call('GET', K.allowance(ARGV[1])) or '0'))
local point_ms = 1000 / ARGV[3]
local then_at = whole_at + ARGV[2] * point_ms
local wait_ms = then_at - (NOW + ARGV[4] * point_ms)
if wait_ms > 0 then return math.ceil(wait_ms) end
redis.call('SET', K.allowance(ARGV[1]), string.format('%.3f', then_at), 'PX', math.ceil(then_at - NOW))
return 0
