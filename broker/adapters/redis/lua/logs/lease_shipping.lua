-- Who ships a workspace.
-- KEYS[1] workspace root
-- ARGV    by         who asks for it
--         length_ms
-- Returns 1 when the holder has it, 0 when another does
-- uses: leases
return take_lease(K.shipper(), by, length_ms)
