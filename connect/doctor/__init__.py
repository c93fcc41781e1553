"""`relay-connect doctor`: looks at everything relay-connect needs and says what to do about what is missing."""

from connect.doctor.examination import examine, examine_options
from connect.doctor.findings import Finding, Health

__all__ = ["Finding", "Health", "examine", "examine_options"]
