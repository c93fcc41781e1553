-- The invitations that can be accepted, or one of them. Forgets those whose time is over.
-- KEYS[1] workspace root
-- ARGV    id  of the one, or '' for all
-- Returns JSON of each
-- uses: invitations
local found = {}
for _, each in ipairs(id == '' and redis.call('HKEYS', K.invitations()) or {id}) do
  local row = open_invitation(each)
  if row then found[#found + 1] = cjson.encode(row) end
end
return found
