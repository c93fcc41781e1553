-- Takes runs that are due. Each is put back to when its lease ends, so that a worker that dies does not lose it.
-- KEYS[1] workspace root
-- ARGV    most
--         lease_ms
-- Returns {what `claim_run` does…, time of the next one or -1, now}
-- uses: run_claims
local found = {}
for _, run in ipairs(redis.call('ZRANGEBYSCORE', K.workflow_due(), '-inf', NOW, 'LIMIT', 0, most)) do
  if redis.call('EXISTS', K.workflow_run(run)) == 0 then
    redis.call('ZREM', K.workflow_due(), run)
    redis.call('SREM', K.workflow_open(), run)
  else
    found[#found + 1] = claim_run(run, lease_ms)
  end
end
local first = redis.call('ZRANGE', K.workflow_due(), 0, 0, 'WITHSCORES')
return {found, first[2] and tonumber(first[2]) or -1, NOW}
