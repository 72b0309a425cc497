"""The simulated exchange: its rules, its venue and the market it can be fed with."""
