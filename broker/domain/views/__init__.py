"""Views of the dashboard that people keep under names."""
