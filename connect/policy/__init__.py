"""What agents may do on this machine: decided here, whatever a broker says.

`policy` is the model, `decision` the pure decision, `policy_file` the file and what a person has confirmed of it,
`folders` and `lineage` what the system tells, `consent` the question at the terminal, `gate` what puts them together.
"""
