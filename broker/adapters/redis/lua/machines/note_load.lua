-- A machine has told how busy it is. What was told over a connection that was fenced is not heard.
-- KEYS[1] workspace root
-- ARGV    link
--         fence
--         load   JSON for the registry
-- Returns 1, or 0 when a newer connection has taken over
if redis.call('HGET', K.link(link), 'fence') ~= fence then return 0 end
redis.call('HSET', K.link(link), 'load', load, 'load_at', NOW)
return 1
