"""python -m np_nn.reproduce: train every published row again, and print published beside ours."""
