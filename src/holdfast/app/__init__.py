"""The composition root: the only reader of environment and configuration files.

``keeper`` is the process a person starts; ``worker`` the processes that carry calls; ``wiring``
makes their objects; nothing below this folder knows how it is run. Commands import the file they
need, so that ``holdfast --help`` does not wait for a web framework.
"""
