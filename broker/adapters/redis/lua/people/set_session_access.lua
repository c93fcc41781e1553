-- Says to whom a session is open.
-- KEYS[1] workspace root
-- ARGV    session
--         access  JSON of people and groups with their levels, or '' to open it to the workspace
-- Returns 1; 0 when it was so already
-- uses: privacy audit
if redis.call('EXISTS', K.session(session)) == 0 then
  return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session')
end
local before = redis.call('HGET', K.private_sessions(), session) or ''
if before == access then return 0 end
if access == '' then
  redis.call('HDEL', K.private_sessions(), session)
else
  redis.call('HSET', K.private_sessions(), session, access)
end
record_act('session.access_changed', 'session ' .. session, filled(before) or 'open', filled(access) or 'open')
privacy_changed()
return 1
