-- Where somebody is who is signed in.
-- KEYS[1] workspace root: the account's
-- ARGV    id  of the sign-in
-- Returns workspaces, each with what they are called there; nothing when the sign-in has ended
if redis.call('EXISTS', K.sign_in(id)) == 0 then return {} end
return redis.call('HGETALL', K.memberships())
