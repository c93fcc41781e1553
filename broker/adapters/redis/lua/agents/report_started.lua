-- A process of the agent is about to start.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 version or ''  8 transport  9 folder  10 hash of the token its machine made for it
-- uses: report
local version, transport, folder, token = unpack(ARGV, 7, 10)
redis.call('HSET', K.agent(a.id), 'version', version, 'transport', transport, 'token', token)
redis.call('HSETNX', K.agent(a.id), 'cwd_real', folder) -- fixed at its first start
append(a.session, 'agent.started', a.id, a.name,
  '{"version":' .. json(version) .. ',"transport":' .. json(transport) .. ',"folder":' .. json(folder) .. ',"generation":' .. a.generation .. '}')
return 1
