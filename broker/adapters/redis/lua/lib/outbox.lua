-- uses: history
-- A link's mailbox: commands numbered without holes, kept until acknowledged. Publishing only saves the gateway a read.

-- A command as `broker/protocol/proxy/commands.py` describes it: its kind, then names and values.
local function command_text(kind, ...) return object('type', kind, ...) end

-- Puts a command that is JSON already into a mailbox.
local post
do
  -- After a fail-over that lost commands their numbers are given to others, which the machine would take for the ones it
  -- knows. So its connection has to come again, and what it has seen beyond `restored` shows that (`attach_link.lua`).
  -- A gateway that missed the news hears it when it renews the lease.
  local function notice_fail_over(link, l)
    local history, is_promoted = store_history()
    if not history or l.history == history then return end
    redis.call('HSET', K.link(link), 'history', history)
    if not l.history or not is_promoted then return end
    redis.call('HSET', K.link(link), 'restored', l.restored or l.sent or '0')
    redis.call('PUBLISH', K.link_channel(link), '!kick')
  end

  post = function(link, text)
    local key = K.link(link)
    local l = fields(key, 'machine', 'history', 'restored', 'sent', 'out_bytes')
    if not l.machine then return end -- forgotten: nobody would ever take it
    notice_fail_over(link, l)
    local seq = string.format('%d', tonumber(l.sent or '0') + 1)
    redis.call('HSET', key, 'sent', seq, 'out_bytes', tonumber(l.out_bytes or '0') + #text)
    redis.call('XADD', K.outbox(link), seq .. '-0', 'c', text)
    redis.call('PUBLISH', K.link_channel(link), seq .. ':' .. text)
    return seq
  end
end
local function command(link, kind, ...) return post(link, command_text(kind, ...)) end

-- Until when the machine may begin what it is given now. nil: by a clock that was set back it would take that for too old,
-- as it counts on from a later time; the broker ends it then. One that is away is told the time when it comes.
local function end_for(link, at_ms)
  local l = fields(K.link(link), 'online', 'heard')
  if l.online == '1' and was_set_back(l.heard) then return nil end
  return at_ms
end

-- Lets go of the commands up to a number and returns them, as entries of the stream.
local function take_off(link, upto)
  local entries, bytes = redis.call('XRANGE', K.outbox(link), '-', upto .. '-0'), 0
  for _, entry in ipairs(entries) do bytes = bytes + #entry[2][2] end
  redis.call('XTRIM', K.outbox(link), 'MINID', (upto + 1) .. '-0')
  local left = redis.call('XLEN', K.outbox(link)) > 0
    and tonumber(redis.call('HGET', K.link(link), 'out_bytes') or '0') - bytes or 0
  redis.call('HSET', K.link(link), 'acked', upto, 'out_bytes', math.max(0, left))
  return entries
end

-- Whether a command, as an entry of the stream, is for no agent's process: it waits for its machine, whichever process of
-- relay-connect serves that by then.
local function is_for_machine(entry)
  local kind = string.match(entry[2][2], '^{"type":"(%w+_%w+)"')
  return kind == 'run_command' or kind == 'stop_command' or kind == 'run_hook'
end

-- Whether a peer is so far behind that only what must not wait is put into its mailbox.
local function is_behind(link)
  local l = fields(K.link(link), 'sent', 'acked', 'out_bytes')
  return tonumber(l.out_bytes or '0') >= T.outbox_bytes
    or tonumber(l.sent or '0') - tonumber(l.acked or '0') >= T.outbox_commands
end

local function is_online(link) return redis.call('HGET', K.link(link), 'online') == '1' end
