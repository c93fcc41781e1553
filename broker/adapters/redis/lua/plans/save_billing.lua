-- Keeps the copy of a subscription, and what follows for the workspace, unless a later question was answered before.
-- KEYS[1] workspace root
-- ARGV    ticket     taken before Stripe was asked
--         copy       JSON of the subscription, '' when there is none
--         plan       that follows, '' for the one that it has
--         read_only  '1' when nothing new may be sent or started
--         phase
--         decides    '1' when the subscription decides the plan, whatever was set meanwhile
--         log_days   JSON of the days that each plan keeps logs for
-- Returns 1; 0 when a later one was there
-- uses: audit plan_changes
if redis.call('HEXISTS', K.workspace(), 'name') == 0 then return 0 end
if tonumber(ticket) <= tonumber(redis.call('HGET', K.billing(), 'copied') or '0') then return 0 end
local b = fields(K.billing(), 'phase', 'applied')
local applied = plan .. ' ' .. read_only
redis.call('HSET', K.billing(), 'copied', ticket, 'copy', copy, 'at_ms', NOW, 'phase', phase, 'applied', applied)
if b.phase ~= phase and (b.phase or phase ~= 'none') then
  record_act('billing.phase_changed', 'workspace', b.phase, phase)
end
if applied == b.applied and decides ~= '1' then return 1 end
local before = redis.call('HGET', K.workspace(), 'plan')
if plan ~= '' then change_plan(before, plan, log_days) end
if read_only == '1' then
  redis.call('HSET', K.workspace(), 'read_only', 1)
else
  redis.call('HDEL', K.workspace(), 'read_only')
end
return 1
