"""Neural networks: layers, losses and initialisers over mlx.core."""

from mlx.nn import init as init
from mlx.nn import losses as losses
from mlx.nn.layers import *
from mlx.nn.layers import activations as activations
from mlx.nn.layers import base as base
from mlx.nn.layers import containers as containers
from mlx.nn.layers import convolution as convolution
from mlx.nn.layers import convolution_transpose as convolution_transpose
from mlx.nn.layers import distributed as distributed
from mlx.nn.layers import dropout as dropout
from mlx.nn.layers import embedding as embedding
from mlx.nn.layers import linear as linear
from mlx.nn.layers import normalization as normalization
from mlx.nn.layers import pooling as pooling
from mlx.nn.layers import positional_encoding as positional_encoding
from mlx.nn.layers import quantized as quantized
from mlx.nn.layers import recurrent as recurrent
from mlx.nn.layers import transformer as transformer
from mlx.nn.layers import upsample as upsample
from mlx.nn.utils import average_gradients as average_gradients
from mlx.nn.utils import value_and_grad as value_and_grad
