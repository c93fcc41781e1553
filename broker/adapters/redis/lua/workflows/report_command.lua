-- How far a command of a run has come on its machine. With its end its run is handed to who brought it so far.
-- KEYS[1] workspace root
-- ARGV    command
--         state
--         told     JSON that is kept with it and in the log
--         shown    JSON that only the log has
--         output   what it wrote, for its end
--         errors
-- Returns 1, or 0 when that was said before
-- uses: numbered commands run_claims
local c = load_command(command)
if c.link ~= link or not goes_on(c, state) then return 0 end
local is_end = COMMAND_ENDS[state]
if is_end then redis.call('HSET', K.command(command), 'output', output, 'errors', errors) end
-- A long one is asked for: what is published waits in the memory of the store.
local holder = is_end and #output + #errors <= T.workflow_handed_bytes and take_resting(c.run)
advance(command, c, state, told, shown)
if holder then hand_over(c.run, holder) end
return 1
