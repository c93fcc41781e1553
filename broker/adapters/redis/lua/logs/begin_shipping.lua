-- From now on a workspace has a long history: its sessions' logs are trimmed only behind what was shipped.
-- KEYS[1] workspace root
-- Returns how many sessions are new to it
local new = 0
redis.call('SET', K.history(), 1)
for _, session in ipairs(redis.call('HVALS', K.session_names())) do
  if redis.call('HSETNX', K.session(session), 'shipped', 0) == 1 then
    redis.call('SADD', K.unshipped(), session)
    new = new + 1
  end
end
return new
