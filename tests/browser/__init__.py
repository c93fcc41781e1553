"""The dashboard as a person meets it: headless Chromium, the real broker, real relay-connects and demo agents."""
