-- A sealed secret. What it replaced is forgotten once its time is over.
-- KEYS[1] workspace root
-- ARGV    name
-- Returns its row, or nil
local row = redis.call('HGET', K.secrets(), name)
if not row then return nil end
local said = cjson.decode(row)
if said.previous and said.previous.until_ms <= NOW then
  row = object('by', said.by, 'at_ms', said.at_ms, 'key', said.key, 'sealed', said.sealed)
  redis.call('HSET', K.secrets(), name, row)
end
return row
