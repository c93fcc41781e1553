"""What the broker may call out to: which URLs, and which addresses behind them. Pure."""
