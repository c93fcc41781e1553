-- Takes runs that are due. Each is put back to when its lease ends, so that a worker that dies does not lose it.
-- KEYS[1] workspace root
-- ARGV    most
--         lease_ms
-- Returns {{run, fence, its record, its session's}…, time of the next one or -1, now}
-- uses: log
local found = {}
for _, run in ipairs(redis.call('ZRANGEBYSCORE', K.workflow_due(), '-inf', NOW, 'LIMIT', 0, most)) do
  if redis.call('EXISTS', K.workflow_run(run)) == 0 then
    redis.call('ZREM', K.workflow_due(), run)
    redis.call('SREM', K.workflow_open(), run)
  else
    local fence = redis.call('HINCRBY', K.workflow_run(run), 'fence', 1)
    redis.call('HSET', K.workflow_run(run), 'leased', NOW + lease_ms)
    redis.call('HDEL', K.workflow_run(run), 'again')
    redis.call('ZADD', K.workflow_due(), NOW + lease_ms, run)
    local session = redis.call('HGET', K.workflow_run(run), 'session')
    found[#found + 1] = {run, fence, redis.call('HGETALL', K.workflow_run(run)), redis.call('HGETALL', K.session(session))}
  end
end
local first = redis.call('ZRANGE', K.workflow_due(), 0, 0, 'WITHSCORES')
return {found, first[2] and tonumber(first[2]) or -1, NOW}
