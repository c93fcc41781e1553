-- Whether another machine that is connected has a name. Here, as reading a thousand machines to look at their names
-- would stop a gateway for some 50 ms, at each of a thousand machines that come.
-- KEYS[1] workspace root
-- ARGV    proxy
--         name
-- Returns 1 or 0
for _, other in ipairs(redis.call('HVALS', K.proxies())) do
  local l = other ~= proxy and fields(K.link(other), 'online', 'name') or {}
  if l.online == '1' and l.name == name then return 1 end
end
return 0
