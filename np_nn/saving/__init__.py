"""What a training leaves in files: weights for np_nn and PyTorch, ONNX, and logs."""
