-- Sets the workspace's identity provider. Sign-ins through one with another id end, and who was whom there is forgotten
-- when another client is asked.
-- KEYS[1] workspace root
-- ARGV    provider  its id
--         row       JSON of it, with the same in words as `said`
--         required  '1' when others than owners sign in by it alone, else ''
-- Returns 1
-- uses: access_changes audit
local w, before = fields(K.workspace(), 'provider', 'sso_required'), redis.call('GET', K.single_sign_on())
if before == row then return 1 end
record_act('single_sign_on.changed', 'single sign-on', before and cjson.decode(before).said, cjson.decode(row).said)
redis.call('SET', K.single_sign_on(), row)
redis.call('HSET', K.workspace(), 'provider', provider)
if required == '1' then
  redis.call('HSET', K.workspace(), 'sso_required', 1)
else
  redis.call('HDEL', K.workspace(), 'sso_required')
end
if w.provider ~= provider then redis.call('DEL', K.identities()) end
if w.provider ~= provider or (required == '1' and not w.sso_required) then tell_access_changed({everybody = true}) end
return 1
