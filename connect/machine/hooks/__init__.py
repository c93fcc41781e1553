"""The machine's side of hooks: what its owner has allowed is run once, bounded, and its outcome told. Nothing else."""
