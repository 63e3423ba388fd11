"""Networks and tensors: the only home of torch. Knows class counts, never stages, slides or files of ours."""
