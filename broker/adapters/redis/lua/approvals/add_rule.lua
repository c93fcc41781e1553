-- Puts an approval rule ahead of the others, unless the same is there.
-- KEYS[1] workspace root
-- ARGV    1 the rule as JSON, written like those that are kept  2 how many there may be
-- Returns 1 when it was added
local kept = redis.call('GET', K.rules()) or '[]'
if string.find(kept, ARGV[1], 1, true) then return 0 end
if #cjson.decode(kept) >= tonumber(ARGV[2]) then
  return refuse('Conflict', 'TOO_MANY_RULES', ARGV[2] .. ' rules at most; remove some first')
end
redis.call('SET', K.rules(), kept == '[]' and '[' .. ARGV[1] .. ']' or '[' .. ARGV[1] .. ',' .. string.sub(kept, 2))
return 1
