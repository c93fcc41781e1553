-- Every machine by the least that is said of it.
-- KEYS[1] workspace root
-- Returns {id, name, '1' when it is here, …}
local found = {}
for _, proxy in ipairs(redis.call('HVALS', K.proxies())) do
  local l = fields(K.link(proxy), 'name', 'online')
  if l.name then
    found[#found + 1] = proxy
    found[#found + 1] = l.name
    found[#found + 1] = l.online or '0'
  end
end
return found
