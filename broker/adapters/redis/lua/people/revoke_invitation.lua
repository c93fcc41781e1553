-- Ends an invitation, whoever made it.
-- KEYS[1] workspace root
-- ARGV    id
--         by  the member who does it, '' when it is none
-- Returns 1
-- uses: members audit
local text = redis.call('HGET', K.invitations(), id)
if not text then return refuse('NotFound', 'INVITATION_NOT_FOUND', 'no such invitation') end
local role = cjson.decode(text).preset.role
if role == 'owner' and not may_change_owners(by) then return owners_only() end
redis.call('HDEL', K.invitations(), id)
record_act('invitation.revoked', 'invitation ' .. id, role)
return 1
