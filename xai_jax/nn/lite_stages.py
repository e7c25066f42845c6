"""The stages of EfficientNet-Lite0, as the frozen port and the trained trunk both read them."""

EPSILON = 1e-3  # of every batch norm, as in TensorFlow
STEM = 32  # channels; the same in every variant
# repeats, kernel, stride of the first block, expansion, channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
