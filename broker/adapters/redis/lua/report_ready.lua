-- The agent can take prompts: what waited is handed over.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 native id  8 '1' when resumed  9 model or ''  10 version or ''  11 '1' when it can steer
-- uses: report
if ARGV[8] ~= '1' and a.native ~= ARGV[7] then redis.call('HSET', K.agent(a.id), 'blank', '1') end
redis.call('HSET', K.agent(a.id), 'native', ARGV[7], 'can_steer', ARGV[11], 'link', link, 'ready', a.generation)
a.link, a.can_steer = link, ARGV[11]
if ARGV[9] ~= '' then redis.call('HSET', K.agent(a.id), 'model_used', ARGV[9]) end
if ARGV[10] ~= '' then redis.call('HSET', K.agent(a.id), 'version', ARGV[10]) end
forget_timer('spawn|' .. a.id .. '|' .. a.generation)
append(a.session, 'agent.ready', a.id, a.name,
  '{"native_id":' .. json(ARGV[7]) .. ',"resumed":' .. tostring(ARGV[8] == '1') .. ',"model":' .. json(ARGV[9] ~= '' and ARGV[9])
  .. ',"generation":' .. a.generation .. '}')
if a.state == 'starting' or a.state == 'lost' or a.state == 'deaf' then set_state(a, 'idle') end
dispatch(a)
return 1
