-- Lets go of events that are older than the workspace's retention, and of all where the workspace's logs take too much
-- room here; only of those that the log store has.
-- KEYS[1] workspace root
-- ARGV    session
--         days
-- Returns 1 when there may be more, else 0
-- uses: log
local PAGE = 100
local m = fields(K.session(session), 'shipped', 'offset')
local shipped = tonumber(m.shipped or '0')
if is_crowded() and m.offset and shipped >= tonumber(m.offset) then
  trim_log(session, shipped, shipped, 0)
  note_all_dropped(session)
  return 0
end
local before, last = NOW - days * 86400000, nil
local entries = redis.call('XRANGE', K.log(session), '-', shipped .. '-0', 'COUNT', PAGE)
for _, entry in ipairs(entries) do
  local at = string.match(entry[2][2], '^{"epoch":"[^"]*","offset":%d+,"kind":"[^"]*","at_ms":(%d+)')
  if not at or tonumber(at) > before then break end
  last = entry[1]
end
if not last then return 0 end
local offset = tonumber(string.match(last, '%d+'))
redis.call('XTRIM', K.log(session), 'MINID', string.format('%d-0', offset + 1))
note_dropped(session, written_at(session, offset))
return (#entries == PAGE and last == entries[PAGE][1]) and 1 or 0
