-- Lets a member who is signed in be an identity, too, whom the workspace's provider has vouched for.
-- KEYS[1] workspace root
-- ARGV    provider
--         identity    its key
--         member
--         generation  of the member's sign-ins, when they began
-- Returns 1
-- uses: identities audit
local refused = not_by(provider)
if refused then return refused end
local m = fields(K.person(member), 'generation', 'suspended')
if m.generation ~= generation then
  return refuse('NotAuthenticated', 'SIGN_IN_FAILED', 'you were signed out meanwhile: sign in by your link, and begin again')
end
if m.suspended then return is_suspended_words() end
local there = member_behind(identity)
if there == member then return 1 end
if there then
  return refuse('Conflict', 'NOT_YOURS', 'at the identity provider you are signed in as somebody else of this workspace')
end
if identity_of(member) then
  return refuse('Conflict', 'ANOTHER_IDENTITY', 'you have signed in here as somebody else of the identity provider before: an administrator can end that by removing and inviting you')
end
identify(member, identity)
record_act('member.identity_linked', 'member ' .. member)
return 1
