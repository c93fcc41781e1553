"""What keeps a process of the broker honest: its watchdog, its side ports, its collector."""
