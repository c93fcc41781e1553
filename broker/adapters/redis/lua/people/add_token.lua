-- Lists a token that somebody made, who must still be there: what is made while its maker ends does not outlive it.
-- KEYS[1] workspace root
-- ARGV    id
--         row
--         made_with  id of the token it was made with, or ''
--         member     behind that, or ''
--         most       how many there may be
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
redis.call('HSET', K.tokens(), id, row)
local made = cjson.decode(row).record
record_act('token.made', 'token ' .. id, nil, made.kind .. (known(made.session) and ' session ' .. made.session or ''))
return 1
