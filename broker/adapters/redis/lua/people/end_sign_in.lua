-- Ends one sign-in, and all that hangs on it.
-- KEYS[1] workspace root
-- ARGV    id
-- Returns 1
-- uses: access
end_access({id})
return 1
