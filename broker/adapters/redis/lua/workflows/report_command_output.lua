-- What a running command has written last.
-- KEYS[1] workspace root
-- ARGV    command
--         told     JSON for the log
-- Returns 1, or 0 when it does not run
-- uses: numbered commands
local c = load_command(command)
if c.link ~= link or c.state ~= 'started' then return 0 end
append(c.session, 'command.output', nil, nil, command_event(command, c, 'started', told))
return 1
