-- A process of the agent is about to start.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 version or ''  8 transport  9 folder  10 hash of the token its machine made for it
-- uses: report
local version, transport, folder, token = unpack(ARGV, 7, 10)
redis.call('HSET', K.agent(a.id), 'version', version, 'transport', transport, 'cwd_real', folder, 'token', token)
append(a.session, 'agent.started', a.id, a.name,
  '{"version":' .. json(version) .. ',"transport":' .. json(transport) .. ',"generation":' .. a.generation .. '}')
return 1
