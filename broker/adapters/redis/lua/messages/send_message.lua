-- Accepts a message: the plan, recipients, numbers, receipts, log and hand-over, together or not at all.
-- KEYS[1] workspace root
-- ARGV    session
--         id           of the message
--         digest       of the request
--         sender       agent id or ''
--         sender_name
--         role         or '', from the recipient's point of view
--         kind         'agent', 'channel' or 'all'
--         target
--         mode
--         body         JSON
--         wire_head    text up to the role
--         wire_tail    text behind the role
--         ttl_ms
--         brief        its first line
--         plan         the workspace's
--         most         messages a day in it, 0 = any
--         trace        its place in a trace of its own, as a W3C traceparent, or '' where nothing is traced
--         cause        the traceparent that it follows from, or ''
-- Returns rows {agent id, name, state, because}
-- uses: send lineage
local m = {digest = digest, sender = sender, role = role, mode = mode, body = body, wire_head = wire_head,
  wire_tail = wire_tail, ttl_ms = ttl_ms, brief = brief}

local known = redis.call('HGET', K.message(id), 'digest')
if known then
  if known ~= m.digest then
    return refuse('Conflict', 'IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used for another message')
  end
  return deliveries(id)
end
if redis.call('EXISTS', K.session(session)) == 0 then
  return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session')
end
local full = backlog_full(session)
if full then return full end

local recipients = {}
if kind == 'agent' then
  -- An id wins over a name, also the id of one that has ended.
  local is_id = redis.call('ZSCORE', K.members(session), target)
  local agent = is_id and target or redis.call('HGET', K.names(session), string.lower(target))
  if not agent or redis.call('SISMEMBER', K.session_live(session), agent) == 0 then
    return refuse('NotFound', 'AGENT_NOT_FOUND', 'no agent called ' .. target .. ' is in this session')
  end
  recipients = {agent}
elseif kind == 'channel' then
  recipients = redis.call('SINTER', K.channel(session, target), K.session_live(session))
else
  recipients = redis.call('SMEMBERS', K.session_live(session))
end
local others = {}
for _, agent in ipairs(recipients) do
  if agent ~= m.sender or kind == 'agent' then others[#others + 1] = agent end
end
if #others == 0 then
  local why = kind == 'channel' and 'no agent has joined ' .. target .. ', or you alone' or 'there are no other agents in this session'
  return refuse('NotFound', 'NO_RECIPIENTS', 'nobody would get this: ' .. why)
end
if mode == 'interrupt' then
  for _, agent in ipairs(others) do
    local refusal = not_its_own(sender, agent, 'interrupt', 'send with mode wait, which reaches it when it is idle')
    if refusal then return refusal end
  end
end
if kind == 'agent' and is_full(others[1]) then
  return refuse('RateLimited', 'INBOX_FULL', T.queue_messages .. ' messages wait for ' .. target .. ' already; let it take some first')
end
full = messages_full(session, message_bytes(m))
if full then return full end
most = tonumber(most)
local over = over_messages(plan, most)
if over then return over end

m.recipients = #others
m.trace, m.cause = trace_of(trace, cause, sender)
store_message(id, session, m)
local admitted, list = {}, {}
for i, agent in ipairs(others) do
  local a, number = enqueue(id, agent)
  admitted[i] = {a, number}
  list[i] = object('agent', agent, 'name', a.name)
end
append(session, 'message.accepted', filled(m.sender), sender_name, acceptance(m, list))
count_message(session, plan, most)
local rows = {}
for i, pair in ipairs(admitted) do rows[i] = admit(id, pair[1], pair[2], m.mode, kind == 'agent') end
wake_at(NOW + tonumber(ttl_ms), 'ttl|' .. id)
return rows
