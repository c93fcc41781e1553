"""What happens without anybody asking: deadlines."""
