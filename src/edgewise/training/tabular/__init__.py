"""From an encoded table to one network: the parts are tried, compared and put together."""
