-- A machine is here with a token: which proxy it is, and whether the token may link it. A machine belongs to the token
-- that linked it first, or to the member who was signed in, until that is revoked.
-- KEYS[1] workspace root
-- ARGV    1 machine id  2 proxy id for a new machine  3 token id  4 '1' when the token may take over any machine
--         5 how many machines there may be  6 the member whose sign-in that is, or ''
-- Returns the proxy id
-- uses: links access
local machine, new_id, token, may_take, most, member = unpack(ARGV)
local owner = redis.call('HGET', K.proxy_owners(), machine)
local is_free = not owner or owner == token or may_take == '1' or not is_good(owner) or member_of(owner) == member
if not is_free then
  return refuse('NotPermitted', 'NOT_PERMITTED', 'linked with another token: use that, revoke it, or forget the machine first')
end
local proxy = redis.call('HGET', K.proxies(), machine)
if not proxy then
  if redis.call('HLEN', K.proxies()) >= tonumber(most) then
    return refuse('Conflict', 'TOO_MANY_MACHINES', most .. ' machines at most; forget some that are gone first')
  end
  proxy = new_id
  redis.call('HSET', K.proxies(), machine, proxy)
  redis.call('HSET', K.link(proxy), 'machine', machine)
  wake_at(NOW + UNUSED_MS, 'unused|' .. proxy)
end
redis.call('HSET', K.proxy_owners(), machine, token)
return proxy
