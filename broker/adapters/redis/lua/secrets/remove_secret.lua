-- Removes a secret.
-- KEYS[1] workspace root
-- ARGV    name
-- Returns 1 when there was one
-- uses: audit
if redis.call('HDEL', K.secrets(), name) == 0 then return 0 end
record_act('secret.removed', 'secret ' .. name)
return 1
