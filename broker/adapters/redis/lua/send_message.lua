-- Accepts a message: quota, recipients, numbers, receipts, log and hand-over, together or not at all.
-- KEYS[1] workspace root
-- ARGV    1 session  2 message id  3 digest of the request  4 sender's agent id or ''  5 sender's name  6 role or '' (from
--         the recipient's point of view)  7 'agent'|'channel'|'all'  8 target  9 mode  10 body JSON  11, 12 wire text
--         before and after the role  13 time to live, ms  14 messages a day, 0 = any  15 day
-- Returns rows {agent id, name, state, because}
-- uses: send
local session, id = ARGV[1], ARGV[2]
local m = {digest = ARGV[3], sender = ARGV[4], role = ARGV[6], mode = ARGV[9], body = ARGV[10], wire_head = ARGV[11],
  wire_tail = ARGV[12], day = ARGV[15]}

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

local recipients = {}
if ARGV[7] == 'agent' then
  local agent = redis.call('HGET', K.names(session), string.lower(ARGV[8]))
  if not agent then
    return refuse('NotFound', 'AGENT_NOT_FOUND', 'no agent called ' .. ARGV[8] .. ' is in this session')
  end
  recipients = {agent}
elseif ARGV[7] == 'channel' then
  recipients = redis.call('SINTER', K.channel(session, ARGV[8]), K.session_live(session))
else
  recipients = redis.call('SMEMBERS', K.session_live(session))
end
local others = {}
for _, agent in ipairs(recipients) do
  if agent ~= m.sender or ARGV[7] == 'agent' then others[#others + 1] = agent end
end
if #others == 0 then
  return refuse('NotFound', 'NO_RECIPIENTS', 'nobody but you would get this: ' .. ARGV[8] .. ' has no other agents')
end
local quota = over_quota(m.day, tonumber(ARGV[14]))
if quota then return quota end

store_message(id, session, m)
count_message(m.day)
local admitted, list = {}, {}
for i, agent in ipairs(others) do
  local a, number = enqueue(id, agent)
  admitted[i] = {a, number}
  list[i] = '{"agent":"' .. agent .. '","name":' .. json(a.name) .. '}'
end
append(session, 'message.accepted', m.sender ~= '' and m.sender or nil, ARGV[5],
  string.sub(m.body, 1, -2) .. ',"recipients":[' .. table.concat(list, ',') .. ']}')
local rows = {}
for i, pair in ipairs(admitted) do rows[i] = admit(id, pair[1], pair[2], m.mode) end
wake_at(NOW + tonumber(ARGV[13]), 'ttl|' .. id)
return rows
