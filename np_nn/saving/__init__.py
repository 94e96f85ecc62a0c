"""Trained models as files: weights for np_nn and PyTorch, and ONNX."""
