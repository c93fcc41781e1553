-- Lets no hook of a workspace begin, or lets them go on.
-- KEYS[1] workspace root
-- ARGV    paused  '1' or ''
-- Returns 1
-- uses: audit guards
if redis.call('HEXISTS', K.hooks(), 'text') == 0 then return 1 end
local is_paused = redis.call('HEXISTS', K.hooks(), 'paused') == 1
if is_paused == (paused == '1') then return 1 end
record_act(paused == '1' and 'hooks.paused' or 'hooks.resumed', 'hooks')
if paused == '1' then redis.call('HSET', K.hooks(), 'paused', '1') else redis.call('HDEL', K.hooks(), 'paused') end
if has_guards() then tell_guards() end
return 1
