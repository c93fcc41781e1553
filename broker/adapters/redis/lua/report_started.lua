-- A process of the agent is about to start.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 version or ''  8 transport  9 folder
-- uses: report
redis.call('HSET', K.agent(a.id), 'version', ARGV[7], 'transport', ARGV[8], 'cwd_real', ARGV[9])
append(a.session, 'agent.started', a.id, a.name,
  '{"version":' .. json(ARGV[7]) .. ',"transport":' .. json(ARGV[8]) .. ',"generation":' .. a.generation .. '}')
return 1
