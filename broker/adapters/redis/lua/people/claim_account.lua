-- Says which account a member is; the first one stays.
-- KEYS[1] workspace root
-- ARGV    member
--         account
-- Returns the account the member is; '' when there is no such member
if redis.call('EXISTS', K.person(member)) == 0 then return '' end
redis.call('HSETNX', K.person(member), 'account', account)
return redis.call('HGET', K.person(member), 'account')
