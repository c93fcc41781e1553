-- Takes runs that are due. Each is put back to when its lease ends, so that a worker that dies does not lose it.
-- KEYS[1] workspace root
-- ARGV    most
--         lease_ms
-- Returns {{run, fence, its record, its session's, what `standing_of` says of whose rights it has, what `list_ended`
--          does, its machine}…, time of the next one or -1, now}: all that a look begins with
-- uses: commands standing
local found = {}

-- A machine, as it is read elsewhere: its record, how many agents it carries, who has stopped it and its owner's name.
local function machine_of(id)
  local record = id ~= '' and redis.call('HGETALL', K.link(id)) or {}
  if #record == 0 then return {} end
  local owner = redis.call('HGET', K.link(id), 'owner')
  return {record, redis.call('SCARD', K.link_agents(id)), redis.call('HGET', K.stops(), 'machine:' .. id) or '',
    owner and redis.call('HGET', K.person(owner), 'name') or ''}
end

for _, run in ipairs(redis.call('ZRANGEBYSCORE', K.workflow_due(), '-inf', NOW, 'LIMIT', 0, most)) do
  if redis.call('EXISTS', K.workflow_run(run)) == 0 then
    redis.call('ZREM', K.workflow_due(), run)
    redis.call('SREM', K.workflow_open(), run)
  else
    local fence = redis.call('HINCRBY', K.workflow_run(run), 'fence', 1)
    redis.call('HSET', K.workflow_run(run), 'leased', NOW + lease_ms)
    redis.call('HDEL', K.workflow_run(run), 'again')
    redis.call('ZADD', K.workflow_due(), NOW + lease_ms, run)
    local r = fields(K.workflow_run(run), 'session', 'by', 'machine')
    found[#found + 1] = {run, fence, redis.call('HGETALL', K.workflow_run(run)), redis.call('HGETALL', K.session(r.session)),
      standing_of_kept(r.by), list_ended(run), machine_of(r.machine or '')}
  end
end
local first = redis.call('ZRANGE', K.workflow_due(), 0, 0, 'WITHSCORES')
return {found, first[2] and tonumber(first[2]) or -1, NOW}
