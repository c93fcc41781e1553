-- What hooks have said to a request that they leave to people.
-- KEYS[1] workspace root
-- ARGV    approval
--         said
-- Returns 1 while it waits
local key = K.approval(approval)
if redis.call('HGET', key, 'status') ~= 'pending' then return 0 end
redis.call('HSET', key, 'hooks_said', said)
return 1
