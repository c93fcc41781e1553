-- Removes a machine that is offline, and all that is kept of it.
-- KEYS[1] workspace root
-- ARGV    proxy
--         machine
-- Returns 1
-- uses: lives audit
if redis.call('HGET', K.proxies(), machine) ~= proxy then
  return refuse('NotFound', 'PROXY_NOT_FOUND', 'no such machine')
end
if redis.call('HGET', K.link(proxy), 'online') == '1' then
  return refuse('Conflict', 'PROXY_ONLINE', 'the machine is connected; stop its relay-connect first')
end
if redis.call('SCARD', K.link_agents(proxy)) > 0 then
  return refuse('Conflict', 'PROXY_HAS_AGENTS', 'agents of this machine are still here; release them first')
end
record_act('machine.forgotten', 'machine ' .. proxy)
forget_machine(proxy, machine)
return 1
