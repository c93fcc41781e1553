-- uses: agents

-- The one place where an approval is resolved: the first answer wins and clears it everywhere. `told`: what the agent is
-- told, in words; `option`: the one of its options that was chosen; `answers`: a question's, JSON, without secrets.
local function resolve_approval(a, id, status, by, note, answer, told, option, answers)
  option, answers = option or '', answers or ''
  local key = K.approval(id)
  local native = redis.call('HGET', key, 'native')
  if native then
    redis.call('HSET', key, 'status', status, 'by', by, 'note', note, 'told', told,
      'option', option, 'answers', answers, 'resolved_ms', NOW)
    redis.call('HDEL', key, 'given')
    redis.call('HDEL', K.asks(a.id), native)
  end
  redis.call('ZREM', K.pending_approvals(), id)
  redis.call('HSET', K.agent(a.id), 'waiting', redis.call('HLEN', K.asks(a.id)))
  forget_timer('approval|' .. id)
  append(a.session, 'approval.resolved', a.id, a.name, object('id', id, 'status', status, 'by', by,
    'note', note, 'told', filled(told), 'option', filled(option), 'answers', filled(answers) and raw(answers)))
  if answer and native then
    redis.call('SADD', K.answering(a.id), id)
    command(a.link, 'answer', 'agent', a.id, 'generation', tonumber(a.generation), 'native_id', native,
      'answer', raw(answer), 'approval', id)
  end
end

-- Counts what a new approval takes. False when the session has no room, not even without all that were answered.
local function has_room_for_approval(session, bytes)
  if redis.call('EXISTS', K.session(session)) == 0 then return true end
  if redis.call('HINCRBY', K.session(session), 'approval_bytes', bytes) <= T.session_approval_bytes then return true end
  local kept = bytes
  for _, id in ipairs(redis.call('ZREVRANGE', K.session_approvals(session), 0, -1)) do
    local key = K.approval(id)
    local size = redis.call('HSTRLEN', key, 'body') + redis.call('HSTRLEN', key, 'given')
    if redis.call('HGET', key, 'status') ~= 'pending' and kept + size > T.session_approval_bytes / 2 then
      redis.call('DEL', key)
      redis.call('ZREM', K.session_approvals(session), id)
    else
      kept = kept + size
    end
  end
  redis.call('HSET', K.session(session), 'approval_bytes', kept)
  return kept <= T.session_approval_bytes
end
