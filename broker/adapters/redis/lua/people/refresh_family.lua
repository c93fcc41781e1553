-- Renews a short-lived token. The refresh token that is presented is used up; the last one that was used may come
-- again, as its answer may be lost. Any other one of the family is a copy of one that somebody else has used: it ends.
-- KEYS[1] workspace root
-- ARGV    family
--         proof      hash
--         presented  hash of what is presented
--         next_one   hash of the next one
--         token      hash
--         life_ms    of the family, from now
--         until_ms   when that is
--         now        ms
-- Returns {whom the token stands for, JSON; hashes of tokens that end}, or {'' , 'unknown' | 'reused' | 'revoked' | 'suspended'}
-- uses: access
local SUCCESSORS = 4 -- that may wait for their first use: of a client that asks again before an answer reaches it
local TOKENS = 3     -- that are good at a time: of those connections that have not been given the newest
local key = K.family(family)
local f = fields(key, 'holder', 'hangs_on', 'owner', 'proof', 'used', 'next', 'tokens', 'until')
if f.proof ~= proof or tonumber(f['until']) <= tonumber(now) then return {'', 'unknown'} end

local function words(text)
  local found = {}
  for word in string.gmatch(text, '%S+') do found[#found + 1] = word end
  return found
end

local function with(list, word, most)
  local kept = {word}
  for _, each in ipairs(list) do
    if each ~= word and #kept < most then kept[#kept + 1] = each end
  end
  return table.concat(kept, ' ')
end

local function end_it(why)
  end_family(family)
  return {'', why}
end

local successors = words(f.next)
local is_next = false
for _, each in ipairs(successors) do is_next = is_next or each == presented end
if not is_next and presented ~= f.used then return end_it('reused') end
if not is_kept(f.hangs_on) then return end_it('revoked') end
if not is_good(f.hangs_on) then return {'', 'suspended'} end

local tokens = with(words(f.tokens), token, TOKENS)
redis.call('HSET', key, 'used', presented, 'next', with(is_next and {} or successors, next_one, SUCCESSORS),
  'tokens', tokens, 'until', until_ms)
redis.call('PEXPIRE', key, life_ms)
redis.call('ZADD', K.families(f.holder), NOW, family)
redis.call('PEXPIRE', K.families(f.holder), life_ms)
if redis.call('PTTL', K.sign_in(f.hangs_on)) >= 0 then redis.call('PEXPIRE', K.sign_in(f.hangs_on), life_ms, 'GT') end
local over = {}
for _, each in ipairs(words(f.tokens)) do
  if not string.find(tokens, each, 1, true) then over[#over + 1] = each end
end
return {f.owner, over}
