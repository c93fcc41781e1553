-- A message was not handed to the process: its time was up when it came to the machine.
-- KEYS[1] workspace root
-- ARGV    message
-- Returns 1, or 0 when it is not heard
-- uses: report
forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
local state = redis.call('HGET', K.message(message), 'r:' .. a.id)
if not state or STEP[state] < STEP.handed then drop_inflight(a, message, 'expired') end
return 1
