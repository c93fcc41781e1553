-- How far a command of a run has come on its machine.
-- KEYS[1] workspace root
-- ARGV    command
--         state
--         told     JSON that is kept with it and in the log
--         shown    JSON that only the log has
--         output   what it wrote, for its end
--         errors
-- Returns 1, or 0 when that was said before
-- uses: numbered commands
if redis.call('HGET', K.command(command), 'link') ~= link then return 0 end
if advance_command(command, state, told, shown) == 0 then return 0 end
if COMMAND_ENDS[state] then redis.call('HSET', K.command(command), 'output', output, 'errors', errors) end
return 1
