"""All that is not deterministic, behind small ports: ``ports`` (what we need), ``real``, ``sim``."""
