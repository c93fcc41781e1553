-- Deletes some of the keys of a workspace that is ending, but the one that says so.
-- KEYS[1] workspace root
-- ARGV    start  where the scan goes on, '0' at first
--         count  how many keys to look at
-- Returns {where it goes on, '0' at the end; how many were deleted}
if redis.call('HGET', K.workspace(), 'state') ~= 'ending' then return {'0', 0} end
local found = redis.call('SCAN', start, 'MATCH', ROOT .. ':*', 'COUNT', count)
for _, key in ipairs(found[2]) do redis.call('UNLINK', key) end
return {found[1], #found[2]}
