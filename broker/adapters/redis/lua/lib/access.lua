-- uses: access_changes
-- What a caller's right to act hangs on, and all that ends with it. Tokens that people made have a row in `tokens`; a
-- sign-in has a key of its own. Short-lived tokens, machines and the agents on them hang on one of those by its id.
local function row_of(token)
  local text = redis.call('HGET', K.tokens(), token)
  return text and cjson.decode(text) or nil
end

-- Lists a token behind those that were made before it, in the same millisecond too. Returns its record.
local function list_token(id, text)
  local row = cjson.decode(text)
  row.place = redis.call('HINCRBY', K.workspace(), 'tokens_made', 1)
  redis.call('HSET', K.tokens(), id, cjson.encode(row))
  return row.record
end

local function known(value) return value ~= nil and value ~= cjson.null and value or nil end

-- A token for people: its kind, what it may do and where.
local function in_words(record)
  local function list(label, values) return known(values) and label .. table.concat(values, ' ') or '' end
  return record.kind .. (known(record.service) and ' of ' .. record.service or '') .. list(' may ', record.scopes)
    .. (known(record.session) and ' session ' .. record.session or '') .. list(' sessions ', record.only)
end

-- Whether a key of the workspace was ended by people; a data folder may still have it.
local function was_revoked(hash) return redis.call('ZSCORE', K.revoked_keys(), hash) ~= false end

local function key_revoked()
  return refuse('NotAuthenticated', 'KEY_REVOKED', 'this key of the workspace was revoked; remove its file for a fresh one')
end

local function is_in_time(row)
  local ends = known(row.record.expires_at_ms)
  return not ends or ends > NOW
end

-- Notes that a token was used, once a minute; a store that is full keeps nobody out by it.
local function note_use(id)
  local last = redis.call('HGET', K.token_uses(), id)
  if not last or math.abs(NOW - last) >= 60000 then redis.pcall('HSET', K.token_uses(), id, NOW) end
end

-- The ids of the listed tokens that `wanted` says yes to, given a record.
local function tokens_where(wanted)
  local found, rows = {}, redis.call('HGETALL', K.tokens())
  for i = 1, #rows, 2 do
    if wanted(cjson.decode(rows[i + 1]).record) then found[#found + 1] = rows[i] end
  end
  return found
end

-- Whether a member was suspended: what is theirs stays, and nothing of it acts.
local function is_suspended(member) return redis.call('HEXISTS', K.person(member), 'suspended') == 1 end

-- Whether a token, or a sign-in, is there, if only on hold.
local function is_kept(id)
  local row = row_of(id)
  if row then return is_in_time(row) end
  local s = fields(K.sign_in(id), 'member', 'generation', 'provider')
  if not s.member or redis.call('HGET', K.person(s.member), 'generation') ~= s.generation then return false end
  return not s.provider or redis.call('HGET', K.workspace(), 'provider') == s.provider
end

-- Whether it is good: there, and nobody behind it suspended.
local function is_good(id)
  if not is_kept(id) or redis.call('SISMEMBER', K.held_tokens(), id) == 1 then return false end
  local member = redis.call('HGET', K.sign_in(id), 'member')
  return not member or not is_suspended(member)
end

-- Whether it is there, and waits for somebody who is suspended.
local function is_held(id) return is_kept(id) and not is_good(id) end

-- Whether who makes something, by a token or as a member, each may be '', is still there. In the place of a member there
-- may be a token with scopes.
local function is_maker_good(token, member)
  if token ~= '' and not is_good(token) then return false end
  if member == '' then return true end
  if redis.call('EXISTS', K.person(member)) == 1 then return not is_suspended(member) end
  return row_of(member) ~= nil and is_good(member)
end

local function member_of(sign_in) return redis.call('HGET', K.sign_in(sign_in), 'member') or nil end

-- Whether a member with that role works with sessions and agents, rather than looks on or pays.
local function works(role) return role == 'owner' or role == 'admin' or role == 'member' end

-- Whether machines that were linked with it may go on: what somebody has linked who does not work here may not.
local function may_link(id)
  if not is_good(id) then return false end
  local member = member_of(id)
  return not member or works(redis.call('HGET', K.person(member), 'role'))
end

-- The machines that were linked with one of `ended`, or with a sign-in of `member`, and the agents there.
local function machines_with(ended, member)
  local machines, agents = 0, {}
  local owners = redis.call('HGETALL', K.proxy_owners())
  for i = 1, #owners, 2 do
    local machine, owner = owners[i], owners[i + 1]
    if ended[owner] or (member and member_of(owner) == member) then
      machines = machines + 1
      local proxy = redis.call('HGET', K.proxies(), machine)
      for _, agent in ipairs(proxy and redis.call('SMEMBERS', K.link_agents(proxy)) or {}) do agents[#agents + 1] = agent end
    end
  end
  return machines, agents
end

-- Adds to `ended` the tokens that those, or the members, have made, and so on: in one walk, however long the chain.
-- `members` is a set.
local function add_made(ended, members)
  local made_with, waiting, rows = {}, {}, redis.call('HGETALL', K.tokens())
  for id in pairs(ended) do waiting[#waiting + 1] = id end
  for i = 1, #rows, 2 do
    local id, record = rows[i], cjson.decode(rows[i + 1]).record
    local by = known(record.made_by)
    local with = by and known(by.token)
    if with then
      made_with[with] = made_with[with] or {}
      table.insert(made_with[with], id)
    end
    -- A service account is the workspace's: it stays when whoever made a token for it goes.
    if by and members[known(by.member) or ''] and record.kind ~= 'service' then waiting[#waiting + 1] = id end
  end
  while #waiting > 0 do
    local id = table.remove(waiting)
    ended[id] = true
    for _, made in ipairs(made_with[id] or {}) do waiting[#waiting + 1] = made end
    made_with[id] = nil
  end
end

-- The keys of the workspace that a member has made.
local function keys_of(member)
  return tokens_where(function(record)
    local by = known(record.made_by)
    return record.kind == 'workspace' and by and by.member == member
  end)
end

local function end_family(family)
  local holder = redis.call('HGET', K.family(family), 'holder')
  if not holder then return 0 end
  redis.call('DEL', K.family(family))
  redis.call('ZREM', K.families(holder), family)
  tell_access_changed({families = {family}})
  return 1
end

local function end_families(holder)
  for _, family in ipairs(redis.call('ZRANGE', K.families(holder), 0, -1)) do redis.call('DEL', K.family(family)) end
  redis.call('DEL', K.families(holder))
end

-- Ends the tokens in `first` and, where one is given, all that hangs on a member; and tells it. Returns the hashes of
-- the tokens that people made, how many those were, how many machines and how many agents cannot act any more.
local function end_access(first, member)
  local ended, hashes, tokens = {}, {}, {}
  for _, id in ipairs(first) do ended[id] = true end
  add_made(ended, member and {[member] = true} or {})
  local machines, agents = machines_with(ended, member)
  for id in pairs(ended) do
    local row = row_of(id)
    if row then hashes[#hashes + 1] = row.sha256 end
    redis.call('HDEL', K.tokens(), id)
    redis.call('HDEL', K.token_uses(), id)
    redis.call('SREM', K.held_tokens(), id)
    redis.call('DEL', K.sign_in(id))
    end_families(id)
    tokens[#tokens + 1] = id
  end
  if member then end_families(member) end
  tell_access_changed({tokens = tokens, members = {member}, agents = agents})
  return {hashes, #hashes, machines, #agents}
end
