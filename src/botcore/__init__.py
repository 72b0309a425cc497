"""Bot Core: market data and signals in, risk-checked orders out, on one deterministic engine."""

__version__ = "0.1.0"
