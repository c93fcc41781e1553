-- Ends a token that people made, and all that hangs on it: tokens made with it, short-lived ones, machines and agents.
-- KEYS[1] workspace root
-- ARGV    id
--         owns  '1' when an owner asks
-- Returns {hashes of the tokens that have ended, how many machines, how many agents}
-- uses: access audit
local REVOKED_KEYS = 1000 -- that are remembered: the key in a data folder must not come back with its next start
local row = row_of(id)
if not row then return refuse('NotFound', 'TOKEN_NOT_FOUND', 'no such token') end
if row.record.kind == 'workspace' and owns ~= '1' then
  return refuse('NotPermitted', 'NOT_PERMITTED', 'only owners end a key of the workspace')
end
if row.record.kind == 'workspace' then
  redis.call('ZADD', K.revoked_keys(), NOW, row.sha256)
  redis.call('ZREMRANGEBYRANK', K.revoked_keys(), 0, -1 - REVOKED_KEYS)
end
record_act('token.revoked', 'token ' .. id, row.record.kind)
local ended = end_access({id})
return {ended[1], ended[3], ended[4]}
