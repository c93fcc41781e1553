"""What relay-connect needs of this computer: folders, processes, consoles."""
