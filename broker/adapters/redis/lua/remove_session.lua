-- Ends a session: nobody finds it from here on. What else is left `RedisRetention.sweep` deletes, as often as it takes.
-- KEYS[1] workspace root
-- ARGV    1 session
-- Returns 1
local session = ARGV[1]
local name = redis.call('HGET', K.session(session), 'name')
if not name then return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session') end
if redis.call('SCARD', K.session_live(session)) > 0 then
  return refuse('Conflict', 'SESSION_HAS_AGENTS', 'agents of this session are still running; release them first')
end
redis.call('ZADD', K.removed(), NOW, session)
for _, agent in ipairs(redis.call('ZRANGE', K.members(session), 0, -1)) do
  for _, entry in ipairs(redis.call('XRANGE', K.inbox(agent), '-', '+')) do
    redis.call('DEL', K.message(entry[2][2]), K.recipients(entry[2][2]))
    forget_timer('ttl|' .. entry[2][2])
  end
  redis.call('DEL', K.agent(agent), K.queue(agent), K.inflight(agent), K.inbox(agent), K.settled(agent), K.asks(agent),
    K.seen_frames(agent))
end
for _, approval in ipairs(redis.call('ZRANGE', K.session_approvals(session), 0, -1)) do
  redis.call('DEL', K.approval(approval))
end
redis.call('SREM', K.unshipped(), session)
redis.call('DEL', K.session(session), K.log(session), K.names(session), K.members(session), K.session_live(session),
  K.session_approvals(session))
redis.call('HDEL', K.session_names(), name)
return 1
