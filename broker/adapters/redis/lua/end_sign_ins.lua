-- Ends every sign-in of a member; tokens and codes of an older generation are good no longer.
-- KEYS[1] workspace root
-- ARGV    1 member id
-- Returns 1
-- uses: members
if redis.call('EXISTS', K.person(ARGV[1])) == 0 then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
redis.call('HINCRBY', K.person(ARGV[1]), 'generation', 1)
tell_access_changed(ARGV[1])
return 1
