-- Gives a machine one command of a run, once.
-- KEYS[1] workspace root
-- ARGV    order    JSON object, see `enter_order`
-- Returns how far it is: 'ordered', 'refused', or what it was before; '' where there is no room for it yet
-- uses: command_orders
local o = cjson.decode(order)
order_commands(o.session, {o}, {})
return redis.call('HGET', K.command(o.command), 'state') or ''
