-- Ends every sign-in of a member, and what was exchanged for one; tokens and codes of an older generation are good no
-- longer. Tokens that the member has made stay.
-- KEYS[1] workspace root
-- ARGV    id  of the member
-- Returns 1
-- uses: members audit
if redis.call('EXISTS', K.person(id)) == 0 then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
redis.call('HINCRBY', K.person(id), 'generation', 1)
record_act('member.signed_out_everywhere', 'member ' .. id)
end_families(id)
tell_member_changed(id)
return 1
