"""Status and installations, for operators."""
