-- Forgets the last that is known of a workspace whose data was removed.
-- KEYS[1] workspace root
-- Returns 1
if redis.call('HGET', K.workspace(), 'state') == 'ending' then redis.call('DEL', K.workspace()) end
return 1
