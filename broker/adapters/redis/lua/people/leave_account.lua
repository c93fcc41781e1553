-- Takes a person out of a workspace. An account that is in none any more is gone, with its sign-ins.
-- KEYS[1] workspace root: the account's
-- ARGV    workspace
--         member     what they are called there
-- Returns hashes of the tokens that end with it
if redis.call('HGET', K.memberships(), workspace) ~= member then return {} end
redis.call('HDEL', K.memberships(), workspace)
local ended = {}
if redis.call('HLEN', K.memberships()) > 0 then return ended end
for _, id in ipairs(redis.call('ZRANGE', K.sign_ins(), 0, -1)) do
  ended[#ended + 1] = redis.call('HGET', K.sign_in(id), 'token') or nil
  redis.call('DEL', K.sign_in(id))
end
redis.call('DEL', K.account(), K.sign_ins())
return ended
