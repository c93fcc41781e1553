-- The long history has a session's events up to an offset: Redis may let go of all but a tail of them.
-- KEYS[1] workspace root
-- ARGV    1 session  2 epoch  3 offset  4 entries to keep behind it
-- Returns 1 when nothing more waits, 0 when more does, -1 when the log is another one
local meta = fields(K.session(ARGV[1]), 'epoch', 'offset', 'shipped')
if meta.epoch ~= ARGV[2] then return -1 end
local shipped = math.max(tonumber(meta.shipped or '0'), tonumber(ARGV[3]))
redis.call('HSET', K.session(ARGV[1]), 'shipped', shipped)
redis.call('XTRIM', K.log(ARGV[1]), 'MINID', math.max(0, shipped - tonumber(ARGV[4]) + 1) .. '-0')
if shipped < tonumber(meta.offset) then return 0 end
redis.call('SREM', K.unshipped(), ARGV[1])
return 1
