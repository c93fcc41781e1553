-- What an attempt to deliver a run came to, said once.
-- KEYS[1] workspace root
-- ARGV    run
--         attempt
--         outcome  'completed', 'retried' or 'failed'
--         wait_ms  until the next attempt
--         reason
--         stops    '1' when nothing more is sent for this hook
--         said     JSON of the attempt
-- Returns the milliseconds until the next delivery is due, -1: there is none
-- uses: hooks deliveries
local r = fields(K.hook_run(run), 'hook', 'session', 'agent', 'name', 'about', 'attempt', 'sending')
if r.attempt ~= attempt or not r.sending then return next_delivery() end
redis.call('HDEL', K.hook_run(run), 'sending')
local attempts = raw(add_attempt(run, said))
local endpoint = endpoint_of(r.hook)
if outcome == 'completed' then
  redis.call('HDEL', K.hook_endpoints(), r.hook)
else
  endpoint.since = endpoint.since or NOW
  if stops == '1' then
    endpoint.stopped = reason
  elseif NOW - endpoint.since >= T.endpoint_fails_ms then
    endpoint.stopped = 'nothing was accepted for ' .. math.floor(T.endpoint_fails_ms / 86400000) .. ' days; last: ' .. reason
  end
  redis.call('HSET', K.hook_endpoints(), r.hook, cjson.encode(endpoint))
end
if outcome == 'retried' and not endpoint.stopped then
  local again_ms = NOW + tonumber(wait_ms)
  redis.call('HSET', K.hook_run(run), 'at_ms', NOW, 'data', extended(r.about, 'state', 'started', 'attempt', tonumber(attempt),
    'reason', reason, 'again_at_ms', again_ms, 'attempts', attempts))
  deliver_at(again_ms, run)
  return next_delivery()
end
redis.call('ZREM', K.hook_deliveries(), run)
say_delivery(run, r, outcome == 'completed' and 'completed' or 'failed', 'reason', reason, 'attempts', attempts)
if outcome == 'completed' then
  redis.call('HDEL', K.hook_run(run), 'delivery', 'about')
else
  redis.call('ZADD', K.hook_dead(), NOW, run)
  redis.call('ZREMRANGEBYRANK', K.hook_dead(), 0, -T.dead_letters - 1)
  redis.call('EXPIRE', K.hook_dead(), T.dead_letter_kept_s)
  redis.call('EXPIRE', K.hook_run(run), T.dead_letter_kept_s)
end
return next_delivery()
