-- What the predecessor of a direct connection knew: read after it was fenced, so that nothing is added any more.
-- KEYS[1] workspace root
-- ARGV    agent
-- Returns {turn id or '', messages that the process has and has not answered, uuids of its latest frames}
-- uses: receipts
local messages = {}
for _, message in ipairs(redis.call('LRANGE', K.inflight(agent), 0, -1)) do
  local state = redis.call('HGET', K.message(message), 'r:' .. agent)
  if state and STEP[state] >= STEP.handed then messages[#messages + 1] = message end
end
return {redis.call('HGET', K.agent(agent), 'turn') or '', messages, redis.call('ZRANGE', K.seen_frames(agent), 0, -1)}
