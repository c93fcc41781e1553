-- A part of a day's units was reported.
-- KEYS[1] workspace root
-- ARGV    day
--         meter
--         last    units of the day with it
-- Returns 1; 0 when it was settled before
local sent, part = K.usage_sent(day), meter .. ':part'
local known = redis.call('HGET', sent, part)
if not known or cjson.decode(known).last ~= tonumber(last) then return 0 end
redis.call('HDEL', sent, part)
redis.call('HSET', sent, meter, last)
redis.call('EXPIRE', sent, T.usage_kept_s)
return 1
