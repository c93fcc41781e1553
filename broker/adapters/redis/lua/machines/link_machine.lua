-- A machine is here with a token: which proxy it is, whether the token may link it, and whose it is. A machine belongs
-- to the token that linked it first, or to the member who was signed in, until that ends; its owner is the member
-- behind that.
-- KEYS[1] workspace root
-- ARGV    machine
--         new_id       proxy id for a new machine
--         token
--         may_take     '1' when the token may take over any machine
--         most         how many machines there may be
--         member       behind the token, or ''
--         most_of_one  how many machines one token, and one member, may have
--         only         the only proxy id that the token is for, or ''
-- Returns the proxy id
-- uses: ownership access audit
local proxy = redis.call('HGET', K.proxies(), machine)
if only ~= '' and only ~= proxy then
  return refuse('NotPermitted', 'NOT_PERMITTED', 'this token was issued to another machine')
end
local l = proxy and fields(K.link(proxy), 'owner', 'orphaned', 'adopter') or {}
local refusal = owner_refusal(l, member)
if refusal then return refusal end
local linker = redis.call('HGET', K.proxy_owners(), machine)
local is_adopted = l.adopter == (member == '' and NOBODY or member)
local is_same_person = linker and member_of(linker) and member_of(linker) == member_of(token)
local is_free = not linker or linker == token or may_take == '1' or is_same_person or is_adopted or not is_kept(linker)
if not is_free then
  return refuse('NotPermitted', 'NOT_PERMITTED', 'linked with another token: use that, revoke it, or forget the machine first')
end
if l.orphaned and redis.call('SCARD', K.link_agents(proxy)) > 0 then
  return refuse('Conflict', 'PROXY_HAS_AGENTS', 'agents of the owner before are being ended; try again')
end

-- How many machines a token, or the member behind it, has linked. A key that may take any machine has no limit.
local function count_of_linker()
  local count, rows = 0, redis.call('HGETALL', K.proxy_owners())
  for i = 1, #rows, 2 do
    local its_owner = member ~= '' and redis.call('HGET', K.link(redis.call('HGET', K.proxies(), rows[i]) or ''), 'owner')
    if rows[i + 1] == token or its_owner == member then count = count + 1 end
  end
  return count
end
if not proxy then
  if redis.call('HLEN', K.proxies()) >= tonumber(most) then
    return refuse('Conflict', 'TOO_MANY_MACHINES', most .. ' machines at most; forget some that are gone first')
  end
  if may_take ~= '1' and count_of_linker() >= tonumber(most_of_one) then
    return refuse('Conflict', 'TOO_MANY_MACHINES', 'one token links ' .. most_of_one .. ' machines at most; forget some first')
  end
  proxy = new_id
  redis.call('HSET', K.proxies(), machine, proxy)
  redis.call('HSET', K.link(proxy), 'machine', machine)
  wake_at(NOW + T.unused_machine_ms, 'unused|' .. proxy)
end
local taken_over = linker and linker ~= token and not is_same_person
local owned_anew = is_adopted or (member ~= '' and l.owner ~= member)
if not linker or taken_over or owned_anew then
  record_act('machine.linked', 'machine ' .. proxy, l.owner and 'owner ' .. l.owner, member ~= '' and 'owner ' .. member or 'workspace')
end
if is_adopted or (member ~= '' and l.owner ~= member) then own(proxy, member) end
redis.call('HSET', K.proxy_owners(), machine, token)
return proxy
