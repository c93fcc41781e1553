-- Makes a service account: a name for programs of the workspace.
-- KEYS[1] workspace root
-- ARGV    id
--         name
--         folded     the name in lower case
--         row
--         made_with  id of the token it was made with, or ''
--         member     behind that, or ''
--         most       how many there may be
-- Returns 1
-- uses: access audit
if redis.call('HEXISTS', K.service_accounts(), id) == 1 then return 1 end -- sent twice
if not is_maker_good(made_with, member) then
  return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'what this was asked with has been revoked')
end
local texts = redis.call('HVALS', K.service_accounts())
if #texts >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_SERVICE_ACCOUNTS', most .. ' service accounts at most; remove some first')
end
for _, text in ipairs(texts) do
  if cjson.decode(text).folded == folded then
    return refuse('Conflict', 'NAME_TAKEN', 'there is a service account with that name')
  end
end
redis.call('HSET', K.service_accounts(), id, row)
record_act('service_account.created', 'service_account ' .. id, nil, name)
return 1
