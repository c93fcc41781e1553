"""GitHub's REST API, as far as steps of workflows use it: requests out, answers in; no I/O."""
