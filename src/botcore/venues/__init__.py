"""Exchanges behind the ports of marketdata and execution."""
