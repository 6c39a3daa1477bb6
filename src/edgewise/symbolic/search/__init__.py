"""The whole search for a formula: generators propose, one loop adds and judges; `recipe` sets the order."""
