-- Who looks at a workspace's sessions for hooks. It only saves double work, as runs have ids of their own.
-- KEYS[1] workspace root
-- ARGV    by         who asks for it
--         length_ms
-- Returns 1 when the holder has it, 0 when another does
local holder = redis.call('GET', K.hooks_holder())
if holder and holder ~= by then return 0 end
redis.call('SET', K.hooks_holder(), by, 'PX', length_ms)
return 1
