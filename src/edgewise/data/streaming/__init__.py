"""Tables of any size, a batch at a time: where they lie, how they are read, what one pass computes of them."""
