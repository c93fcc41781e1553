"""What serves and guards every connection before any endpoint sees it."""
