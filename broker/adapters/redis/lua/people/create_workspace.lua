-- Writes a workspace down. The same again changes nothing.
-- KEYS[1] workspace root
-- ARGV    name
--         plan
-- Returns 1 when it is new, else 0
-- uses: audit
redis.call('HSETNX', K.workspace(), 'plan', plan)
if redis.call('HSETNX', K.workspace(), 'name', name) == 0 then return 0 end
redis.call('HSET', K.workspace(), 'created', NOW)
record_act('workspace.created', 'workspace', nil, plan)
return 1
