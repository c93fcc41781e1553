-- uses: audit
-- A workspace's plan changes. Where the new one keeps logs for a shorter time, it is remembered since when, and for how
-- many days they were kept before: what was written until then stays for a while that is announced.
local function change_plan(before, plan, log_days)
  if before == plan then return end
  record_act('workspace.plan_changed', 'workspace', before, plan)
  redis.call('HSET', K.workspace(), 'plan', plan)
  local days = cjson.decode(log_days)
  local was = tonumber(days[before] or 0)
  if tonumber(days[plan]) >= was then
    redis.call('HDEL', K.workspace(), 'logs_shortened')
    return
  end
  local earlier = redis.call('HGET', K.workspace(), 'logs_shortened')
  if earlier then was = math.max(was, tonumber(string.match(earlier, ' (%d+)$'))) end
  redis.call('HSET', K.workspace(), 'logs_shortened', string.format('%d %d', NOW, was))
end
