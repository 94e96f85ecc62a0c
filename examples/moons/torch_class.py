"""Two classes in the plane with PyTorch: the network is a class with its own forward."""

import numpy as np
import torch


class Net(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.first = torch.nn.Linear(2, hidden)
        self.second = torch.nn.Linear(hidden, hidden)
        self.last = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        return self.last(x)[:, 0]


def train(x, y, *, hidden, epochs, batch_size, lr, seed, watch):
    """Train as in from_scratch.py."""
    torch.manual_seed(seed)
    model = Net(hidden)
    loss = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    x, y = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.float32))

    @torch.no_grad()
    def probability(points):
        return torch.sigmoid(model(torch.from_numpy(points.astype(np.float32)))).numpy()

    def weights():
        layers = (model.first, model.second, model.last)
        return [layer.weight.detach().numpy().copy() for layer in layers]

    watch(probability, weights())
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss(model(x[batch]), y[batch]).backward()
            optimizer.step()
        watch(probability, weights())
