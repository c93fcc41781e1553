-- Records an act that no other script carries out, or a refusal.
-- KEYS[1] workspace root
-- ARGV    act
--         target
--         before  '' for none
--         after   '' for none
--         once    '' always; else once in a while for one caller and this operation
--         once_s  that while
-- Returns 1 when it was recorded
-- unguarded: a refusal is recorded, too
-- uses: audit
if redis.call('EXISTS', K.workspace()) == 0 then return 0 end -- it is gone: its trail went with it
if once ~= '' then
  local by = cjson.decode(caller)
  local key = K.audit_once(redis.sha1hex((by.token or by.kind) .. ' ' .. once))
  if not redis.call('SET', key, '1', 'NX', 'EX', once_s) then return 0 end
end
record_act(act, target, filled(before), filled(after))
return 1
