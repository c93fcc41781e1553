-- A link's mailbox: commands numbered without holes, kept until acknowledged. Publishing only saves the gateway a read.
local function command(link, text)
  local seq = redis.call('HINCRBY', K.link(link), 'sent', 1)
  redis.call('XADD', K.outbox(link), seq .. '-0', 'c', text)
  redis.call('PUBLISH', K.link_channel(link), seq .. ':' .. text)
  return seq
end

local function is_online(link) return redis.call('HGET', K.link(link), 'online') == '1' end
