-- Takes failures that somebody has looked at off the list of what needs a person.
-- KEYS[1] workspace root
-- ARGV    rows...  as they are kept
-- Returns how many of them were there
-- uses: failures
return drop_failures(rows)
