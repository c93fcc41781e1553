-- Gives a workspace another plan.
-- KEYS[1] workspace root
-- ARGV    plan
-- Returns 1
-- uses: audit
local before = redis.call('HGET', K.workspace(), 'plan')
if not before then return refuse('NotFound', 'WORKSPACE_NOT_FOUND', 'no such workspace') end
if before ~= plan then record_act('workspace.plan_changed', 'workspace', before, plan) end
redis.call('HSET', K.workspace(), 'plan', plan)
return 1
