-- Gives a workspace another plan.
-- KEYS[1] workspace root
-- ARGV    plan
--         log_days  JSON of the days that each plan keeps logs for
-- Returns 1
-- uses: plan_changes
local before = redis.call('HGET', K.workspace(), 'plan')
if not before then return refuse('NotFound', 'WORKSPACE_NOT_FOUND', 'no such workspace') end
change_plan(before, plan, log_days)
redis.call('HDEL', K.workspace(), 'read_only')
return 1
