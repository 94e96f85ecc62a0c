"""Two classes in the plane with PyTorch: the network is a list of layers."""

import numpy as np
import torch


def train(x, y, *, hidden, epochs, batch_size, lr, seed, watch):
    """Train as in from_scratch.py."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, 1),
    )
    loss = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    x, y = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.float32))

    @torch.no_grad()
    def probability(points):
        return torch.sigmoid(model(torch.from_numpy(points.astype(np.float32)))[:, 0]).numpy()

    def weights():
        return [model[i].weight.detach().numpy().copy() for i in (0, 2, 4)]

    watch(probability, weights())
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss(model(x[batch])[:, 0], y[batch]).backward()
            optimizer.step()
        watch(probability, weights())
