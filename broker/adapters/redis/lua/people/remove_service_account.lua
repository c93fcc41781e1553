-- Removes a service account with its tokens, and all that hangs on those.
-- KEYS[1] workspace root
-- ARGV    id
-- Returns {hashes of the tokens that have ended, how many machines, how many agents}
-- uses: access audit
local text = redis.call('HGET', K.service_accounts(), id)
if not text then return refuse('NotFound', 'SERVICE_ACCOUNT_NOT_FOUND', 'no such service account') end
redis.call('HDEL', K.service_accounts(), id)
record_act('service_account.removed', 'service_account ' .. id, cjson.decode(text).account.name)
local ended = end_access(tokens_where(function(record) return record.service == id end))
return {ended[1], ended[3], ended[4]}
