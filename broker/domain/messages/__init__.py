"""Messages between participants."""
