"""Language models: loading, adapters, training, merging, generation, batches, resuming."""
