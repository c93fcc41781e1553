"""The commands of who runs an installation."""
