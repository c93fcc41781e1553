-- Writes what a worker has found out and decided about a run, and then what is ordered of it; lets go of the run.
-- KEYS[1] workspace root
-- ARGV    run
--         fence    of the worker's claim
--         after    how many entries it has seen
--         entries  JSON list of texts
--         events   JSON list of {kind, agent or '', name or '', data}, for the session's log
--         outputs  JSON object of texts
--         state    the run's, '' when it stays
--         reason
--         listens  '1' when it waits for what may happen anywhere in its session, else ''
--         orders   JSON list of commands, see `order_command`
--         done     JSON list of the ids of commands whose end the entries tell of
--         rests    '1' when the run is let go of with this, else ''
--         due_ms   when it is to be looked at again then, '' for when something happens to it
--         holder   the worker that is told of that first, '' for whichever comes
-- Returns {1, the ids of orders that there is no room for yet…}: with any the run is not let go of; {0} when others have
-- written more meanwhile; {-1} when the run is another worker's by now
-- uses: workflows command_orders
local r = fields(K.workflow_run(run), 'fence', 'entries', 'session', 'definition', 'listens')
if r.fence ~= fence then return {-1} end
if r.entries ~= after then return {0} end
write_outputs(run, cjson.decode(outputs))
write_entries(run, cjson.decode(entries), tonumber(after))
listen_to_session(run, r.session, listens, r.listens or '')
local ordered = cjson.decode(orders)
for _, each in ipairs(ordered) do redis.call('SADD', K.workflow_commands(run), each.command) end
if #ordered > 0 then redis.call('EXPIRE', K.workflow_commands(run), T.workflow_open_s) end
for _, each in ipairs(cjson.decode(done)) do
  redis.call('SREM', K.workflow_commands(run), each)
  redis.call('SREM', K.workflow_ended(run), each)
end
local without_room = order_commands(r.session, ordered, groups_of(cjson.decode(events)))
for _, each in ipairs(without_room) do redis.call('SREM', K.workflow_commands(run), each) end
if state ~= '' then set_run_state(run, r.session, r.definition, state, reason) end
if rests == '1' and #without_room == 0 then settle_run(run, due_ms, '', holder) end
return {1, unpack(without_room)}
