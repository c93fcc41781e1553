-- Finds tokens of a workspace that is ending: they lie outside of it, and are deleted first.
-- KEYS[1] workspace root
-- ARGV    start  where the scan goes on, '0' at first
--         count  how many keys to look at
-- Returns {where it goes on, '0' at the end; hashes of tokens}
local hashes = {}
local function add(text)
  for hash in string.gmatch(text or '', '%x+') do
    if #hash == 64 then hashes[#hashes + 1] = hash end
  end
end
local function is_one_of(key, prefix) return string.sub(key, 1, #prefix) == prefix and not string.find(key, ':', #prefix + 1, true) end

local found = redis.call('SCAN', start, 'MATCH', ROOT .. ':*', 'COUNT', count)
for _, key in ipairs(found[2]) do
  if key == K.tokens() then
    for _, row in ipairs(redis.call('HVALS', key)) do add(cjson.decode(row).sha256) end
  elseif is_one_of(key, K.agent('')) or is_one_of(key, K.sign_in('')) then
    add(redis.call('HGET', key, 'token') or '')
  elseif is_one_of(key, K.family('')) then
    add(redis.call('HGET', key, 'tokens') or '')
  end
end
return {found[1], hashes}
