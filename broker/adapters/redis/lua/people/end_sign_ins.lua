-- Ends every sign-in of a member, and what was exchanged for one; tokens and codes of an older generation are good no
-- longer. Tokens that the member has made stay.
-- KEYS[1] workspace root
-- ARGV    1 member id
-- Returns 1
-- uses: members
if redis.call('EXISTS', K.person(ARGV[1])) == 0 then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
redis.call('HINCRBY', K.person(ARGV[1]), 'generation', 1)
end_families(ARGV[1])
tell_member_changed(ARGV[1])
return 1
