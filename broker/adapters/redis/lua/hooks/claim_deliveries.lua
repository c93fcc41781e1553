-- Claims runs that are to be delivered now. Each is said in the log as begun before anything is sent.
-- KEYS[1] workspace root
-- ARGV    limit
--         lease_ms  for so long nobody else claims it
-- Returns {{run, hook, attempt, what is sent}…} and the milliseconds until the next is due, -1: there is none
-- uses: hooks deliveries
local claimed = {}
local due = redis.call('ZRANGEBYSCORE', K.hook_deliveries(), '-inf', NOW, 'LIMIT', 0, limit)
for _, run in ipairs(due) do
  local r = fields(K.hook_run(run), 'state', 'hook', 'session', 'agent', 'name', 'about', 'delivery', 'attempt', 'sending', 'attempts')
  local why = r.hook and endpoint_stopped(r.hook)
  if not r.delivery or ENDS[r.state] or redis.call('EXISTS', K.session(r.session)) == 0 then
    redis.call('ZREM', K.hook_deliveries(), run)
  elseif why then
    redis.call('ZREM', K.hook_deliveries(), run)
    say_delivery(run, r, 'skipped', 'reason', why, r.attempts and 'attempts' or nil, raw(r.attempts))
  else
    local attempt = tonumber(r.attempt) + 1
    if r.sending then
      r.attempts = add_attempt(run, object('attempt', tonumber(r.attempt), 'at_ms', NOW, 'reason',
        'whoever sent it ended meanwhile: nobody knows whether it arrived'))
    end
    redis.call('HSET', K.hook_run(run), 'attempt', attempt, 'sending', '1')
    redis.call('EXPIRE', K.hook_run(run), T.hook_run_kept_s)
    redis.call('ZADD', K.hook_deliveries(), NOW + tonumber(lease_ms), run)
    say_delivery(run, r, 'started', 'attempt', attempt, r.attempts and 'attempts' or nil, raw(r.attempts))
    claimed[#claimed + 1] = {run, r.hook, attempt, r.delivery}
  end
end
return {claimed, next_delivery()}
