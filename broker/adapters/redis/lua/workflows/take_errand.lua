-- Takes what a step has done at another service, for whoever is to do it alone while the lease lives.
-- KEYS[1] workspace root
-- ARGV    run
--         effect    of the attempt
--         holder    of the lease; another for each try
--         lease_ms
-- Returns 1; 0 when another does it, it is over, or nothing is done for its run
-- uses: workflows
local r = fields(K.workflow_run(run), 'state', 'held')
if not r.state or OVER[r.state] or filled(r.held) then return 0 end
if redis.call('HEXISTS', K.workflow_outputs(run), 'errand:' .. effect) == 1 then return 0 end
local key = K.errand(run, effect)
local holding = redis.call('HGET', key, 'holder')
if holding then
  -- As in `lib/leases`: where the clock was set back since.
  redis.call('PEXPIRE', key, lease_ms, 'LT')
  return holding == holder and 1 or 0
end
redis.call('HSET', key, 'holder', holder)
redis.call('PEXPIRE', key, lease_ms)
return 1
