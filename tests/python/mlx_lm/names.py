"""Prints the names of mlx-lm's model files as JSON."""

import json

import tiny

print(json.dumps({"names": tiny.names()}))
