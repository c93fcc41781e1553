-- Makes a session, or finds the one that has the name.
-- KEYS[1] workspace root
-- ARGV    1 session id to use  2 name  3 epoch to use  4 how many there may be  5 who makes it, '' without a limit of
--         their own  6 how many one may make
-- Returns the session's id
-- uses: log
local session, name, epoch, most, maker, most_of_one = unpack(ARGV)
local existing = redis.call('HGET', K.session_names(), name)
if existing then return existing end
if redis.call('HLEN', K.session_names()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_SESSIONS', most .. ' sessions at most; delete some first')
end
if maker ~= '' then
  if tonumber(redis.call('HGET', K.session_makers(), maker) or '0') >= tonumber(most_of_one) then
    return refuse('Conflict', 'TOO_MANY_SESSIONS', 'one person or token makes ' .. most_of_one .. ' sessions at most; delete some first')
  end
  redis.call('HINCRBY', K.session_makers(), maker, 1)
  redis.call('HSET', K.session(session), 'maker', maker)
end
redis.call('HSET', K.session_names(), name, session)
redis.call('HSET', K.session(session), 'id', session, 'name', name, 'epoch', epoch, 'offset', 0, 'created', NOW,
  'place', redis.call('HINCRBY', K.workspace(), 'sessions_made', 1))
if redis.call('EXISTS', K.history()) == 1 then redis.call('HSET', K.session(session), 'shipped', 0) end
append(session, 'session.created', nil, nil, '{"name":' .. json(name) .. '}')
return session
