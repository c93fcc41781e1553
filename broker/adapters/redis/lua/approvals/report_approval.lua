-- The agent asks for permission. A rule may have decided already; then it is answered in the same step.
-- KEYS[1] workspace root
-- ARGV    id
--         native       request id
--         body         JSON
--         deadline_ms  from now
--         decided      the status that a rule gave, or ''
--         rule         its name
--         answer       JSON for the agent
--         given        JSON of the tool's input where secrets are masked in `body`, else ''; kept until the answer,
--                      for the agent alone
--         too_much     answer JSON for an agent of which too much waits already
--         likeness     see `domain.approvals.tool_use`
--         told         what the agent is told with `answer`, in words
--         remembered   '1' when that rests on what somebody allowed for as long as the agent lives
-- Returns 1, or 0 when it is not heard
-- uses: report approvals grants
if redis.call('HEXISTS', K.asks(a.id), native) == 1 then return 0 end -- a reconnected codex asks again with the same id
if remembered == '1' and not granted_by(a.id, likeness) then decided, rule = '', '' end -- they lost the right meanwhile
local key, all, note = K.approval(id), K.session_approvals(a.session), ''
if not has_room_for_approval(a.session, #body + #given) and decided == '' then
  decided, rule, answer, note, told = 'denied', 'relay', too_much, 'too much waits for an answer in this session', 'no'
end
redis.call('HSET', key, 'id', id, 'agent', a.id, 'session', a.session, 'name', a.name, 'native', native,
  'generation', a.generation, 'status', 'pending', 'body', body, 'asked_ms', NOW, 'deadline_ms', NOW + deadline_ms,
  'likeness', likeness)
if given ~= '' then redis.call('HSET', key, 'given', given) end
redis.call('EXPIRE', key, math.max(T.approval_kept_s, math.ceil(deadline_ms / 1000) + 86400))
redis.call('HSET', K.asks(a.id), native, id)
redis.call('ZADD', all, next_place(all), id)
redis.call('ZREMRANGEBYRANK', all, 0, -1001)
redis.call('EXPIRE', all, 2 * T.approval_kept_s)
append(a.session, 'approval.requested', a.id, a.name, extended(body, 'id', id, 'agent', a.name, 'agent_id', a.id,
  'status', 'pending', 'decided_by', filled(rule), 'deadline_ms', NOW + deadline_ms))
if decided ~= '' then
  resolve_approval(a, id, decided, rule, note, answer, told)
else
  redis.call('ZADD', K.pending_approvals(), NOW, id)
  redis.call('HSET', K.agent(a.id), 'waiting', redis.call('HLEN', K.asks(a.id)))
  wake_at(NOW + deadline_ms, 'approval|' .. id)
end
return 1
