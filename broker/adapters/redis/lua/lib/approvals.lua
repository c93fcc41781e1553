-- uses: agents
-- The one place where an approval is resolved: the first answer wins and clears it everywhere.
local function resolve_approval(a, id, status, by, note, answer)
  local ap = fields(K.approval(id), 'native', 'generation', 'status')
  redis.call('HSET', K.approval(id), 'status', status, 'by', by, 'note', note, 'resolved_ms', NOW)
  redis.call('HDEL', K.approval(id), 'given')
  redis.call('HDEL', K.asks(a.id), ap.native)
  redis.call('ZREM', K.pending_approvals(), id)
  redis.call('HSET', K.agent(a.id), 'waiting', redis.call('HLEN', K.asks(a.id)))
  forget_timer('approval|' .. id)
  append(a.session, 'approval.resolved', a.id, a.name, '{"id":"' .. id .. '","status":"' .. status .. '","by":' .. json(by)
    .. ',"note":' .. json(note) .. '}')
  if answer then
    command(a.link, '{"type":"answer","agent":"' .. a.id .. '","generation":' .. a.generation .. ',"native_id":'
      .. json(ap.native) .. ',"answer":' .. answer .. '}')
  end
end
