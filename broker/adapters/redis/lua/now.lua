-- The store's own clock: what it dated is compared with nothing else.
-- KEYS[1] workspace root
-- Returns milliseconds
return NOW
