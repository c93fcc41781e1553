-- Keeps runs that a worker still looks at from being another's.
-- KEYS[1] workspace root
-- ARGV    claims    JSON list of {run, fence}
--         lease_ms
-- Returns 1
-- uses: log
for _, claim in ipairs(cjson.decode(claims)) do
  local run = claim[1]
  local r = fields(K.workflow_run(run), 'fence', 'leased')
  if r.leased and tonumber(r.fence) == claim[2] then
    redis.call('HSET', K.workflow_run(run), 'leased', NOW + lease_ms)
    redis.call('ZADD', K.workflow_due(), NOW + lease_ms, run)
  end
end
return 1
