-- Puts the same secret, sealed with another key, in the place of a row that nobody has changed meanwhile.
-- KEYS[1] workspace root
-- ARGV    name
--         replaced  the row
--         row
-- Returns 1, or 0 when it was changed
if redis.call('HGET', K.secrets(), name) ~= replaced then return 0 end
redis.call('HSET', K.secrets(), name, row)
return 1
