"""What a workflow file says, and the words it consists of."""
