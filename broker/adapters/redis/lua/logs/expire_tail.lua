-- Lets go of events that are older than the workspace's retention; only of those that the log store has.
-- KEYS[1] workspace root
-- ARGV    session
--         days
-- Returns 1 when there may be more, else 0
local PAGE = 100
local shipped = tonumber(redis.call('HGET', K.session(session), 'shipped') or '0')
local before, last = NOW - days * 86400000, nil
local entries = redis.call('XRANGE', K.log(session), '-', shipped .. '-0', 'COUNT', PAGE)
for _, entry in ipairs(entries) do
  local at = string.match(entry[2][2], '^{"epoch":"[^"]*","offset":%d+,"kind":"[^"]*","at_ms":(%d+)')
  if not at or tonumber(at) > before then break end
  last = entry[1]
end
if not last then return 0 end
redis.call('XTRIM', K.log(session), 'MINID', string.format('%d-0', string.match(last, '%d+') + 1))
return (#entries == PAGE and last == entries[PAGE][1]) and 1 or 0
