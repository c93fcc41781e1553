-- Says which member an identity is, whom the workspace's provider has vouched for: the one it was before, else somebody
-- new, where anybody may come in by it.
-- KEYS[1] workspace root
-- ARGV    provider
--         identity  its key
--         member    of somebody new
--         name      theirs
--         folded    the name in lower case
--         role      theirs, or '' where nobody comes in by it
--         most      how many members there may be in any plan
--         plan      the workspace's
--         in_plan   how many there may be in it, 0 = any
-- Returns the member
-- uses: identities joining audit
local refused = not_by(provider)
if refused then return refused end
local there = member_behind(identity)
if there and redis.call('HEXISTS', K.person(there), 'suspended') == 1 then return is_suspended_words() end
if there then return there end
if role == '' then
  return refuse('NotPermitted', 'NO_MEMBERSHIP', 'you are not in this workspace: ask an administrator of it for an invitation, accept it, and link single sign-on in Settings')
end
refused = no_room_for(folded, most, plan, in_plan)
if refused then return refused end
let_in(member, name, folded, role)
identify(member, identity)
return member
