"""What several benchmarks are made of: prompts of real sentences, filled stores, tables of figures."""
