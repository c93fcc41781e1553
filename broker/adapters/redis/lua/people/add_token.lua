-- Lists a token that somebody made, who must still be there: what is made while its maker ends does not outlive it.
-- KEYS[1] workspace root
-- ARGV    id
--         row
--         made_with  id of the token it was made with, or ''
--         member     behind that, or ''
--         most       how many there may be
--         most_personal  how many of one person
-- Returns 1
-- uses: access audit
if was_revoked(cjson.decode(row).sha256) then return key_revoked() end
if redis.call('HEXISTS', K.tokens(), id) == 1 then return 1 end -- sent twice
if not is_maker_good(made_with, member) then
  return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'what this was asked with has been revoked')
end
if redis.call('HLEN', K.tokens()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_TOKENS', most .. ' tokens at most; revoke some that are not used')
end
local made = cjson.decode(row).record
if known(made.service) and redis.call('HEXISTS', K.service_accounts(), made.service) == 0 then
  return refuse('NotFound', 'SERVICE_ACCOUNT_NOT_FOUND', 'there is no such service account')
end
local theirs = made.kind == 'personal' and tokens_where(function(record) return record.member == made.member end)
if theirs and #theirs >= tonumber(most_personal) then
  return refuse('Conflict', 'TOO_MANY_TOKENS', most_personal .. ' personal tokens at most; revoke some that are not used')
end
list_token(id, row)
record_act('token.made', 'token ' .. id, nil, in_words(made))
return 1
