-- Ends one sign-in, and all that hangs on it.
-- KEYS[1] workspace root
-- ARGV    1 id of the sign-in
-- Returns 1
-- uses: access
end_access({ARGV[1]})
return 1
