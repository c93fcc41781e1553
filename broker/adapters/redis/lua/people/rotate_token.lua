-- Puts a token in the place of another, which works on until it ends. What was made with that one hangs on the new one.
-- KEYS[1] workspace root
-- ARGV    old        id
--         id         of the new one
--         row        of the new one
--         until_ms   when the old one ends, unless it does so earlier
--         made_with  id of the token this is asked with, or ''
--         member     behind that, or ''
--         most       how many tokens there may be
-- Returns {hash of the old one, when it ends}
-- uses: access audit
local present = row_of(old)
if not present or not is_in_time(present) then return refuse('NotFound', 'TOKEN_NOT_FOUND', 'no such token') end
local to = known(present.record.rotated_to)
if to == id then return {present.sha256, string.format('%d', present.record.expires_at_ms)} end -- sent twice
if to then return refuse('Conflict', 'TOKEN_ROTATED', 'that token was rotated already: rotate token ' .. to) end
if not is_maker_good(made_with, member) then
  return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'what this was asked with has been revoked')
end
if redis.call('HLEN', K.tokens()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_TOKENS', most .. ' tokens at most; revoke some that are not used')
end
list_token(id, row)
local rows = redis.call('HGETALL', K.tokens())
for i = 1, #rows, 2 do
  local made = cjson.decode(rows[i + 1])
  local by = known(made.record.made_by)
  if by and by.token == old then
    by.token = id
    redis.call('HSET', K.tokens(), rows[i], cjson.encode(made))
  end
end
local ends = math.min(tonumber(until_ms), known(present.record.expires_at_ms) or tonumber(until_ms))
present.record.rotated_to = id
present.record.expires_at_ms = ends
redis.call('HSET', K.tokens(), old, cjson.encode(present))
record_act('token.rotated', 'token ' .. old, nil, 'token ' .. id .. ' in its place; it ends at ' .. string.format('%d', ends))
tell_access_changed({tokens = {old}})
return {present.sha256, string.format('%d', ends)}
