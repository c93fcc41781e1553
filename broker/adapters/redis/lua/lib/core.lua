-- The clock, refusals, JSON text, and timers: what every script needs.
local t = redis.call('TIME')
local NOW = t[1] * 1000 + math.floor(t[2] / 1000)

-- A refusal that the caller sees as the RelayError of that kind. Only before the first write: scripts do not roll back.
-- `details`, JSON of what programs want to know, stands behind a unit separator.
local function refuse(kind, code, message, details)
  return redis.error_reply('RELAY ' .. kind .. ' ' .. code .. ' ' .. message .. (details and '\31' .. details or ''))
end

local function filled(text) return text ~= '' and text or nil end

-- Text that is JSON already, as a value of `object`.
local function raw(text) return {json = text} end

local function value_text(value)
  if value == nil then return 'null' end
  return type(value) == 'table' and value.json or cjson.encode(value)
end

-- The one place where JSON is put together: an object of names and values, in that order, which readers may rely on. A
-- value that is nil is null; one whose name is nil is left out. What is long comes last: each member copies those before.
local function object(...)
  local list, text = {...}, '{"'
  for i = 1, select('#', ...), 2 do
    if list[i] then text = text .. list[i] .. '":' .. value_text(list[i + 1]) .. ',"' end
  end
  return string.sub(text, 1, -3) .. '}'
end

-- A JSON object with more members.
local function extended(text, ...) return string.sub(text, 1, -2) .. ',' .. string.sub(object(...), 2) end

-- A list of texts that are JSON.
local function list_of(texts) return raw('[' .. table.concat(texts, ',') .. ']') end

-- Like HMGET, as a table by field name; a missing field is nil.
local function fields(key, ...)
  local names = {...}
  local values = redis.call('HMGET', key, ...)
  local found = {}
  for i, name in ipairs(names) do found[name] = values[i] or nil end
  return found
end

-- The beginning of a text in UTF-8, of so many bytes at most.
local function cut(text, bytes)
  if #text <= bytes then return text end
  while bytes > 0 and string.find(string.sub(text, bytes + 1, bytes + 1), '[\128-\191]') do bytes = bytes - 1 end
  return string.sub(text, 1, bytes)
end

-- Whether the clock was set back since a link gave its last sign of life (`heard`): its peer counts on from a later time.
local function was_set_back(heard) return NOW < tonumber(heard or '0') - T.clock_back_ms end

-- What a link's record says when it gives a sign of life. Its peer comes again where it has to be told the time.
local function hear(link, heard)
  if was_set_back(heard) then redis.call('PUBLISH', K.link_channel(link), '!kick') end
  return NOW
end

-- Timers are data: a worker wakes at the earliest, claims what is due and runs the decision again.
local function wake_at(due_ms, name)
  local first = redis.call('ZRANGE', K.timers(), 0, 0, 'WITHSCORES')
  redis.call('ZADD', K.timers(), due_ms, name)
  if not first[2] or due_ms < tonumber(first[2]) then
    redis.call('PUBLISH', TIMER_CHANNEL, ROOT .. ' ' .. string.format('%d', due_ms - NOW))
  end
end

local function forget_timer(name) redis.call('ZREM', K.timers(), name) end

-- The place behind the last one in a list that is kept in the order in which things came. Lists of earlier versions
-- have milliseconds there; they go on from those.
local function next_place(key)
  return tonumber(redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or '0') + 1
end
