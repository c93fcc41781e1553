-- Which machines are meant, without what is known of each: to read a thousand of them takes a gateway some 50 ms.
-- KEYS[1] workspace root
-- ARGV    meant  'called': the one of that id, else those of that name; 'connected': those that are here; 'missed':
--                those that are away although agents are on them; 'unguarded': those that know of no hooks that
--                agents wait for
--         id     '' where the reference can be none
--         name
-- Returns their ids
if meant == 'called' and id ~= '' and redis.call('HEXISTS', K.link(id), 'hello') == 1 then return {id} end
local is_meant = {}

function is_meant.called(proxy) return redis.call('HGET', K.link(proxy), 'name') == name end

function is_meant.connected(proxy) return redis.call('HGET', K.link(proxy), 'online') == '1' end

function is_meant.missed(proxy)
  return redis.call('SCARD', K.link_agents(proxy)) > 0 and redis.call('HGET', K.link(proxy), 'online') == '0'
end

function is_meant.unguarded(proxy)
  local l = fields(K.link(proxy), 'machine', 'guards')
  return l.machine and not l.guards
end

local found = {}
for _, proxy in ipairs(redis.call('HVALS', K.proxies())) do
  if is_meant[meant](proxy) then found[#found + 1] = proxy end
end
return found
