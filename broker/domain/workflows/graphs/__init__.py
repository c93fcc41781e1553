"""A workflow as its steps depend on each other, and who may talk to whom."""
