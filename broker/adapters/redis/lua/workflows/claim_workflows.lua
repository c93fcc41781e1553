-- Takes runs that are due. Each is put back to when its lease ends, so that a worker that dies does not lose it.
-- KEYS[1] workspace root
-- ARGV    most
--         lease_ms
--         before    when the caller was here last, by this clock; '' at first
--         lasted    milliseconds since then, by a clock that nobody sets
--         steps     by how much the clock had been set until then, as they were told
-- Returns {what `claim_run` does…, time of the next one or -1, now, by how much the clock has been set}
-- uses: clock run_claims
local all_steps = notice_step(before, lasted, steps) -- ahead of what a clock that was set would make due
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
return {found, first[2] and tonumber(first[2]) or -1, NOW, all_steps}
