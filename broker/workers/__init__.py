"""What happens without anybody asking: deadlines, and the logs' way to the log store and out of it."""
