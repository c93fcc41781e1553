-- Whether who does something for a step may make its next request; keeps the lease for as long as that takes.
-- KEYS[1] workspace root
-- ARGV    run
--         effect    of the attempt
--         holder    of the lease
--         lease_ms
-- Returns 1; 0 when the lease has ended or is another's, or the step is to be stopped
-- uses: log
local key = K.errand(run, effect)
local r = fields(key, 'holder', 'stopping')
if r.holder ~= holder or r.stopping then return 0 end
redis.call('PEXPIRE', key, lease_ms)
return 1
