-- A process of the agent is about to start.
-- KEYS[1] workspace root
-- ARGV    version    or ''
--         transport
--         folder
--         branch     of its worktree, or ''
--         token      hash of the one that its machine made for it
-- Returns 1, or 0 when it is not heard
-- uses: report
redis.call('HSET', K.agent(a.id), 'version', version, 'transport', transport, 'token', token)
redis.call('HSETNX', K.agent(a.id), 'cwd_real', folder) -- fixed at its first start
if filled(branch) then redis.call('HSET', K.agent(a.id), 'branch', branch) end
-- From here on the machine gives it up first, and says why; what dials the broker itself has nobody to do so.
if transport ~= 'sdk-url' and a.ready ~= a.generation then
  wake_at(NOW + T.ready_deadline_ms, 'spawn|' .. a.id .. '|' .. a.generation)
end
append(a.session, 'agent.started', a.id, a.name,
  object('version', version, 'transport', transport, 'folder', folder, 'generation', tonumber(a.generation)))
return 1
