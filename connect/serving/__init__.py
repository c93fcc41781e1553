"""How relay-connect runs: as a link, or as a terminal beside a link process."""
