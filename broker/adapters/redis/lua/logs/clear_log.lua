-- Forgets the events of a session; the session goes on, and so do its numbers.
-- KEYS[1] workspace root
-- ARGV    session
-- Returns how many events there were
-- uses: log
local offset = redis.call('HGET', K.session(session), 'offset')
if not offset then return 0 end
local events = redis.call('XLEN', K.log(session))
redis.call('UNLINK', K.log(session), K.sizes(session))
note_all_dropped(session)
redis.call('HSET', K.session(session), 'written', 0, 'dropped', 0)
if redis.call('HEXISTS', K.session(session), 'shipped') == 1 then
  redis.call('HSET', K.session(session), 'shipped', offset)
end
redis.call('SREM', K.unshipped(), session)
return events
