"""Files of a trained network: model files, weights for PyTorch, ONNX, C, and training logs."""
