-- Who looks at a workspace's sessions for hooks. It only saves double work, as runs have ids of their own.
-- KEYS[1] workspace root
-- ARGV    by         who asks for it
--         length_ms
-- Returns 1 when the holder has it, 0 when another does
-- uses: leases
return take_lease(K.hooks_holder(), by, length_ms)
