-- Lists where somebody is signed in, what was used last first.
-- KEYS[1] workspace root: the account's
-- Returns for each: its id, its device, when it began and when it was used, ms
local found, rows = {}, redis.call('ZREVRANGE', K.sign_ins(), 0, -1, 'WITHSCORES')
for i = 1, #rows, 2 do
  local s = fields(K.sign_in(rows[i]), 'device', 'began')
  if s.began then found[#found + 1] = {rows[i], s.device or '', s.began, rows[i + 1]} end
end
return found
