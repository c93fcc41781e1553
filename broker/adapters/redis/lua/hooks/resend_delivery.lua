-- Delivers a run anew that was given up; it keeps its id, by which the receiver knows it again.
-- KEYS[1] workspace root
-- ARGV    run
--         by
-- Returns 1, or 0 when there is no such run, or it was delivered or is under way
-- uses: hooks deliveries audit
local r = fields(K.hook_run(run), 'state', 'hook', 'session', 'agent', 'name', 'about', 'delivery')
if not r.delivery or not ENDS[r.state] then return 0 end
redis.call('HDEL', K.hook_endpoints(), r.hook)
redis.call('HSET', K.hook_run(run), 'attempt', 0)
redis.call('ZREM', K.hook_dead(), run)
say_delivery(run, r, 'ordered', 'again_by', by)
deliver_at(NOW, run)
record_act('hooks.resent', 'run ' .. run, nil, r.hook)
return 1
