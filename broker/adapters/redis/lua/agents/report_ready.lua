-- The agent can take prompts: what waited is handed over.
-- KEYS[1] workspace root
-- ARGV    native     id of the vendor's conversation
--         resumed    '1' or '0'
--         model      or ''
--         version    or ''
--         can_steer  '1' or '0'
--         prices     JSON rows of {how a model's name begins, dollars for a million tokens: read, written, cached}, the longest first
-- Returns 1, or 0 when it is not heard
-- uses: report
if resumed ~= '1' and a.native ~= native then redis.call('HSET', K.agent(a.id), 'blank', '1') end
redis.call('HSET', K.agent(a.id), 'native', native, 'can_steer', can_steer, 'link', link, 'ready', a.generation)
a.link, a.can_steer = link, can_steer
if model ~= '' then redis.call('HSET', K.agent(a.id), 'model_used', model) end
if version ~= '' then redis.call('HSET', K.agent(a.id), 'version', version) end
local model_now, price = model ~= '' and model or a.model or '', nil
for _, row in ipairs(cjson.decode(prices)) do
  if not price and string.sub(model_now, 1, #row[1]) == row[1] then price = cjson.encode({row[2], row[3], row[4]}) end
end
redis.call('HSET', K.agent(a.id), 'price', price or '')
forget_timer('spawn|' .. a.id .. '|' .. a.generation)
append(a.session, 'agent.ready', a.id, a.name,
  object('native_id', native, 'resumed', resumed == '1', 'model', filled(model_now), 'generation', tonumber(a.generation),
    'machine', machine_name(a.proxy), 'folder', a.cwd_real or a.cwd))
if a.state == 'starting' or a.state == 'lost' or a.state == 'deaf' then set_state(a, 'idle') end
dispatch(a)
return 1
