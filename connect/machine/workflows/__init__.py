"""What runs of workflows do on this machine: their commands and worktrees, as its owner has allowed them."""
