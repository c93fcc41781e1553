-- Makes a session, or finds the one that has the name.
-- KEYS[1] workspace root
-- ARGV    session      id to use
--         name
--         epoch        to use
--         most         how many sessions there may be
--         maker        who makes it, '' without a limit of their own
--         most_of_one  how many one may make
--         private      JSON of whom it is open to, or '' for the workspace
-- Returns the session's id
-- uses: log privacy audit
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
if private ~= '' then
  redis.call('HSET', K.private_sessions(), session, private)
  record_act('session.access_changed', 'session ' .. session, 'open', private)
  privacy_changed()
end
append(session, 'session.created', nil, nil, object('name', name))
return session
