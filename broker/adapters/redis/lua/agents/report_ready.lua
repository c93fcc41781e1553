-- The agent can take prompts: what waited is handed over.
-- KEYS[1] workspace root
-- ARGV    native     id of the vendor's conversation
--         resumed    '1' or '0'
--         model      or ''
--         version    or ''
--         can_steer  '1' or '0'
-- Returns 1, or 0 when it is not heard
-- uses: report
if resumed ~= '1' and a.native ~= native then redis.call('HSET', K.agent(a.id), 'blank', '1') end
redis.call('HSET', K.agent(a.id), 'native', native, 'can_steer', can_steer, 'link', link, 'ready', a.generation)
a.link, a.can_steer = link, can_steer
if model ~= '' then redis.call('HSET', K.agent(a.id), 'model_used', model) end
if version ~= '' then redis.call('HSET', K.agent(a.id), 'version', version) end
forget_timer('spawn|' .. a.id .. '|' .. a.generation)
append(a.session, 'agent.ready', a.id, a.name,
  object('native_id', native, 'resumed', resumed == '1', 'model', filled(model), 'generation', tonumber(a.generation),
    'machine', machine_name(a.proxy), 'folder', a.cwd_real or a.cwd))
if a.state == 'starting' or a.state == 'lost' or a.state == 'deaf' then set_state(a, 'idle') end
dispatch(a)
return 1
