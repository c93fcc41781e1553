"""Session logs, mailboxes and the registry on Redis: one Lua script per atomic decision."""
