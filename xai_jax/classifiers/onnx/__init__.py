"""ONNX graphs as pure, differentiable functions, without the package of that name."""
