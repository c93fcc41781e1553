-- Ends a family of short-lived tokens.
-- KEYS[1] workspace root
-- ARGV    family
-- Returns 1; 0 when it has ended already
-- unguarded: everybody may end what is theirs
-- uses: access
return end_family(family)
