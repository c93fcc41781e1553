-- Puts an alias in the place of a person's name in some keys of the workspace. Lines of sessions' logs stay as they are,
-- and the audit trail has no names.
-- KEYS[1] workspace root
-- ARGV    start   where the scan goes on, '0' at first
--         count   how many keys to look at
--         name    as it is a whole value
--         alias
--         forms...  pairs: a text with the name in it, and the same with the alias
-- Returns where it goes on, '0' at the end
local WHOLE = {by = true, spawner_name = true, answered_by = true} -- fields of hashes whose value may be the name
local NAMES = {by = true} -- those in which several may stand, as of people who allowed something together
local KEPT = {[K.audit()] = true, [K.audit_seals()] = true}

local function erased(text)
  for i = 1, #forms, 2 do
    local from, at = 1, string.find(text, forms[i], 1, true)
    if at then
      local parts = {}
      while at do
        parts[#parts + 1] = string.sub(text, from, at - 1)
        from = at + #forms[i]
        at = string.find(text, forms[i], from, true)
      end
      text = table.concat(parts, forms[i + 1]) .. forms[i + 1] .. string.sub(text, from)
    end
  end
  return text
end

-- The name where it is one of several.
local function erased_of_several(text)
  local wanted, instead = ', ' .. name .. ', ', ', ' .. alias .. ', '
  local all = ', ' .. text .. ', '
  local first, last = string.find(all, wanted, 1, true)
  while first do
    all = string.sub(all, 1, first - 1) .. instead .. string.sub(all, last + 1)
    first, last = string.find(all, wanted, first + #instead - 2, true)
  end
  return string.sub(all, 3, -3)
end

local function erased_field(field, text)
  if WHOLE[field] and text == name then return alias end
  if NAMES[field] then text = erased_of_several(text) end
  return erased(text)
end

local function erase_in_string(key)
  local text = redis.call('GET', key)
  local now = erased(text)
  if now ~= text then redis.call('SET', key, now, 'KEEPTTL') end
end

local function erase_in_hash(key)
  local rows = redis.call('HGETALL', key)
  for i = 1, #rows, 2 do
    local now = erased_field(rows[i], rows[i + 1])
    if now ~= rows[i + 1] then redis.call('HSET', key, rows[i], now) end
  end
end

local function erase_in_list(key)
  for i, text in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local now = erased(text)
    if now ~= text then redis.call('LSET', key, i - 1, now) end
  end
end

-- Entries of a stream cannot be changed: it is written anew, with the same ids.
local function erase_in_journal(key)
  local entries, changed = redis.call('XRANGE', key, '-', '+'), false
  for _, entry in ipairs(entries) do
    for i = 2, #entry[2], 2 do
      local now = erased(entry[2][i])
      changed = changed or now ~= entry[2][i]
      entry[2][i] = now
    end
  end
  if not changed then return end
  local life = redis.call('PTTL', key)
  redis.call('DEL', key)
  for _, entry in ipairs(entries) do redis.call('XADD', key, entry[1], unpack(entry[2])) end
  if life > 0 then redis.call('PEXPIRE', key, life) end
end

local found = redis.call('SCAN', start, 'MATCH', ROOT .. ':*', 'COUNT', count)
for _, key in ipairs(found[2]) do
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'string' then erase_in_string(key)
  elseif kind == 'hash' then erase_in_hash(key)
  elseif kind == 'list' then erase_in_list(key)
  elseif kind == 'stream' and string.find(key, ':journal', 1, true) and not KEPT[key] then erase_in_journal(key) end
end
return found[1]
