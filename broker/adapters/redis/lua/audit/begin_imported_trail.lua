-- Keeps what an archive says of its audit trail, beside the workspace's own.
-- KEYS[1] workspace root
-- ARGV    id
--         trail  JSON
--         most   how many there may be
-- Returns 1; 0 when it is here
if redis.call('HEXISTS', K.audit_imported(), id) == 1 then return 0 end
if redis.call('HLEN', K.audit_imported()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_TRAILS', most .. ' imported audit trails at most')
end
redis.call('HSET', K.audit_imported(), id, object('at_ms', NOW, 'trail', raw(trail)))
return 1
