-- Which runs of hooks are to answer a request that waits for people, before the first of them begins.
-- KEYS[1] workspace root
-- ARGV    approval
--         runs      JSON list
-- Returns 1 while it waits
local key = K.approval(approval)
if redis.call('HGET', key, 'status') ~= 'pending' then return 0 end
redis.call('HSETNX', key, 'hook_runs', runs)
return 1
