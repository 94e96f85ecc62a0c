"""Files that a training leaves: weights for np_nn and PyTorch, ONNX, and logs."""
