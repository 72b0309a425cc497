"""The peers' programs, one a product, each run in that product's own environment.

``cd benchmarks && <its python> -m peers.nautilus``; ``run.py`` does it for all.
"""
