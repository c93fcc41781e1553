-- Tells a machine to end a command, or not to begin it.
-- KEYS[1] workspace root
-- ARGV    command
--         order    JSON for the machine
-- Returns how far the command is; '' for one that nobody knows
-- uses: commands outbox
local c = load_command(command)
if not c.state then return '' end
if not COMMAND_ENDS[c.state] then post(c.link, order) end
return c.state
