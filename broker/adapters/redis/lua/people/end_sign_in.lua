-- Ends one sign-in, and all that hangs on it.
-- KEYS[1] workspace root
-- ARGV    id
-- Returns 1
-- unguarded: everybody may end what is theirs
-- uses: access
end_access({id})
return 1
