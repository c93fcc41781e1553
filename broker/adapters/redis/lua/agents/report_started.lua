-- A process of the agent is about to start.
-- KEYS[1] workspace root
-- ARGV    version    or ''
--         transport
--         folder
--         token      hash of the one that its machine made for it
-- Returns 1, or 0 when it is not heard
-- uses: report
redis.call('HSET', K.agent(a.id), 'version', version, 'transport', transport, 'token', token)
redis.call('HSETNX', K.agent(a.id), 'cwd_real', folder) -- fixed at its first start
append(a.session, 'agent.started', a.id, a.name,
  object('version', version, 'transport', transport, 'folder', folder, 'generation', tonumber(a.generation)))
return 1
