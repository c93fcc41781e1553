-- Counts what a workspace has.
-- KEYS[1] workspace root
-- Returns {members, tokens, sessions, machines, machines that are online, agents that live}
local online = 0
for _, link in ipairs(redis.call('HKEYS', K.leases())) do
  if string.sub(link, 1, 7) ~= 'direct:' then online = online + 1 end
end
return {redis.call('ZCARD', K.people()), redis.call('HLEN', K.tokens()), redis.call('HLEN', K.session_names()),
  redis.call('HLEN', K.proxies()), online, redis.call('SCARD', K.live())}
