"""Real exchanges behind the ports of market data and execution; only `app` constructs them."""
