-- Makes a token the workspace's own key, the one in the data folder of its `up`. Another in its place ends the one
-- before, and all that hangs on it. Earlier versions gave every such key the id `workspace`.
-- KEYS[1] workspace root
-- ARGV    id    for the key, if it is new
--         row
--         hash
-- Returns {the key's id, the hashes of the tokens that have ended}
-- uses: access audit
if was_revoked(hash) then return key_revoked() end
local own = redis.call('HGET', K.workspace(), 'key') or 'workspace'
local present = row_of(own)
if present and present.sha256 == hash then return {own, {}} end
local ended = present and end_access({own})[1] or {}
list_token(id, row)
redis.call('HSET', K.workspace(), 'key', id)
record_act('token.own_key_replaced', 'token ' .. id, present and 'token ' .. own or nil)
return {id, ended}
