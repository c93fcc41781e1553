-- Forgets the events of a session; the session goes on, and so do its numbers.
-- KEYS[1] workspace root
-- ARGV    1 session
-- Returns how many events there were
local offset = redis.call('HGET', K.session(ARGV[1]), 'offset')
if not offset then return 0 end
local events = redis.call('XLEN', K.log(ARGV[1]))
redis.call('DEL', K.log(ARGV[1]))
if redis.call('HEXISTS', K.session(ARGV[1]), 'shipped') == 1 then
  redis.call('HSET', K.session(ARGV[1]), 'shipped', offset)
end
redis.call('SREM', K.unshipped(), ARGV[1])
return events
