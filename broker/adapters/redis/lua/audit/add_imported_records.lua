-- Keeps records of an imported audit trail exactly as they are; those that are here are left as they are.
-- KEYS[1] workspace root
-- ARGV    id
--         entries...  number, record and seal of each, in order; '' for no seal
-- Returns 1
if redis.call('HEXISTS', K.audit_imported(), id) == 0 then
  return refuse('NotFound', 'TRAIL_NOT_FOUND', 'no such imported trail')
end
local stream = K.audit_imported_records(id)
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local last = newest and tonumber(newest[1]:match('^%d+')) or 0
for i = 1, #entries, 3 do
  if tonumber(entries[i]) > last then
    redis.call('XADD', stream, entries[i] .. '-0', 'r', entries[i + 1], 'h', entries[i + 2])
  end
end
return 1
