-- uses: commands standing
-- Who brings a run of a workflow forward: a worker that has claimed it, for as long as its lease lasts.

-- A machine, as it is read elsewhere: its record, how many agents it carries, who has stopped it and its owner's name.
local function machine_of(id)
  local record = id ~= '' and redis.call('HGETALL', K.link(id)) or {}
  if #record == 0 then return {} end
  local owner = redis.call('HGET', K.link(id), 'owner')
  return {record, redis.call('SCARD', K.link_agents(id)), redis.call('HGET', K.stops(), 'machine:' .. id) or '',
    owner and redis.call('HGET', K.person(owner), 'name') or ''}
end

-- Gives a run to a worker. Returns all that a look begins with: {run, fence, its record, its session's, what
-- `standing_of` says of whose rights it has, what `list_ended` does, its machine, by how much the clock was set since it
-- was claimed first}.
local function claim_run(run, lease_ms)
  local key = K.workflow_run(run)
  local fence = redis.call('HINCRBY', key, 'fence', 1)
  redis.call('HSET', key, 'leased', NOW + lease_ms)
  redis.call('HDEL', key, 'again', 'holder')
  redis.call('ZADD', K.workflow_due(), NOW + lease_ms, run)
  local steps = tonumber(redis.call('HGET', K.workspace(), 'clock_steps') or '0')
  redis.call('HSETNX', key, 'clock', steps)
  local r = fields(key, 'session', 'by', 'machine', 'clock')
  return {run, fence, redis.call('HGETALL', key), redis.call('HGETALL', K.session(r.session)), standing_of_kept(r.by),
    list_ended(run), machine_of(r.machine or ''), steps - tonumber(r.clock)}
end

-- What happens to a run that rests, `take_resting` and then `hand_over`, is told to the worker that brought it so far,
-- with its claim: that worker has it in mind, and need not ask. No other is woken.

-- Takes a run that rests for that worker, before what it waits for is written. Returns the worker; nil for a run that is
-- looked at, or whose worker has let go of it for whoever comes.
local function take_resting(run)
  local r = fields(K.workflow_run(run), 'holder', 'leased', 'watched')
  if not filled(r.holder) or r.leased then return nil end
  redis.call('HSET', K.workflow_run(run), 'leased', NOW + T.workflow_lease_ms)
  -- Should that worker die with it, others have to know that there is a run to be looked at: they are told rarely.
  if tonumber(r.watched or '0') < NOW + T.workflow_lease_ms then
    redis.call('HSET', K.workflow_run(run), 'watched', NOW + 2 * T.workflow_lease_ms)
    redis.call('PUBLISH', WORKFLOW_CHANNEL, ROOT .. ' ' .. 2 * T.workflow_lease_ms)
  end
  return r.holder
end

-- Tells that worker. Where nobody hears it, the run is anybody's.
local function hand_over(run, holder)
  local claimed = cjson.encode({ROOT, NOW, claim_run(run, T.workflow_lease_ms)})
  if redis.call('PUBLISH', WORKFLOW_CHANNEL .. ':' .. holder, claimed) > 0 then return end
  redis.call('HDEL', K.workflow_run(run), 'leased')
  look_at_run_at(run, NOW)
end
