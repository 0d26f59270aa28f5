"""Find the network in a checkpoint: behind any prefix, beside other tensors, with a head or a size of its own."""
