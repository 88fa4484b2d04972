"""The stages of a call in the order of their execution; they meet only in ``gateway.path``."""
