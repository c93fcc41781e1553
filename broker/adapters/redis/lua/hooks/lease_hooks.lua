-- The right to look at a workspace's sessions for hooks; it only saves double work, as runs have ids of their own.
-- KEYS[1] workspace root
-- ARGV    1 who  2 for how long, ms
-- Returns 1 when it is theirs
local holder = K.hooks_holder()
local now = redis.call('GET', holder)
if now and now ~= ARGV[1] then return 0 end
redis.call('SET', holder, ARGV[1], 'PX', ARGV[2])
return 1
