-- Puts a person into a workspace; makes the account of one who was in none.
-- KEYS[1] workspace root: the account's
-- ARGV    workspace
--         member     what they are called there
-- Returns the member that the account is there: another one when it was in already
redis.call('HSETNX', K.account(), 'created', NOW)
redis.call('HSETNX', K.memberships(), workspace, member)
return redis.call('HGET', K.memberships(), workspace)
