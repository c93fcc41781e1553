-- Ends single sign-on, and what was signed in by it. Who was whom there is forgotten.
-- KEYS[1] workspace root
-- Returns 1; 0 when there was none
-- uses: access_changes audit
local before = redis.call('GET', K.single_sign_on())
if not before then return 0 end
record_act('single_sign_on.removed', 'single sign-on', cjson.decode(before).said)
redis.call('HDEL', K.workspace(), 'provider', 'sso_required')
redis.call('DEL', K.single_sign_on(), K.identities())
tell_access_changed({everybody = true})
return 1
