"""Optimizers and schedules of their learning rates."""

from mlx.optimizers import optimizers as optimizers
from mlx.optimizers import schedulers as schedulers
from mlx.optimizers.optimizers import *
from mlx.optimizers.schedulers import *
