-- The peer has taken over all commands up to a number: messages among them are received, entries are let go.
-- KEYS[1] workspace root
-- ARGV    1 link  2 fence  3 number
-- Returns 1, or 0 when a newer connection has taken over
-- uses: receipts
local key = K.link(ARGV[1])
local l = fields(key, 'fence', 'acked', 'sent')
local upto = math.min(tonumber(ARGV[3]), tonumber(l.sent or '0'))
if l.fence ~= ARGV[2] then return 0 end
if upto <= tonumber(l.acked or '0') then return 1 end
for _, entry in ipairs(redis.call('XRANGE', K.outbox(ARGV[1]), '-', upto .. '-0')) do
  local order = cjson.decode(entry[2][2])
  -- A delivery to a process that was replaced since is dropped there; its message waits for the next one.
  if order.type == 'deliver' and redis.call('HGET', K.agent(order.agent), 'generation') == tostring(order.generation) then
    receipt(order.message_id, order.agent, 'received')
  end
end
redis.call('XTRIM', K.outbox(ARGV[1]), 'MINID', (upto + 1) .. '-0')
redis.call('HSET', key, 'acked', upto, 'heard', NOW)
return 1
