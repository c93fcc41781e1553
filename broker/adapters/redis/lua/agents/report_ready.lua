-- The agent can take prompts: what waited is handed over.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 native id  8 '1' when resumed  9 model or ''  10 version or ''  11 '1' when it can steer
-- uses: report
local native, resumed, model, version, can_steer = unpack(ARGV, 7)
if resumed ~= '1' and a.native ~= native then redis.call('HSET', K.agent(a.id), 'blank', '1') end
redis.call('HSET', K.agent(a.id), 'native', native, 'can_steer', can_steer, 'link', link, 'ready', a.generation)
a.link, a.can_steer = link, can_steer
if model ~= '' then redis.call('HSET', K.agent(a.id), 'model_used', model) end
if version ~= '' then redis.call('HSET', K.agent(a.id), 'version', version) end
forget_timer('spawn|' .. a.id .. '|' .. a.generation)
append(a.session, 'agent.ready', a.id, a.name,
  '{"native_id":' .. json(native) .. ',"resumed":' .. tostring(resumed == '1') .. ',"model":' .. json(model ~= '' and model)
  .. ',"generation":' .. a.generation .. ',"machine":' .. json(redis.call('HGET', K.link(a.proxy), 'name')) .. ',"folder":'
  .. json(a.cwd_real or a.cwd) .. '}')
if a.state == 'starting' or a.state == 'lost' or a.state == 'deaf' then set_state(a, 'idle') end
dispatch(a)
return 1
