"""6. Momentum: how far should a weight move, and why not only downhill?

Gradient descent moves each weight against its gradient, by the learning rate lr. In a narrow
valley it jumps from wall to wall. With momentum each weight has a velocity, as a ball has: a
share of the old velocity stays, the new gradient is added, and the weight moves by the velocity.
What points to and fro cancels; what always points the same way adds up.

Both arrays are changed in place: velocity first, then weight, by the new velocity.

Replace the line that raises NotImplementedError, then run

    np-nn check 06_sgd_momentum.py

weight_decay and nesterov belong to the function of np_nn; they are 0 and False here. scratch is
an array of the same shape that you may write into, to avoid a new one; nobody reads it.
"""


def sgd_step(weight, grad, velocity, scratch, lr, momentum, weight_decay, nesterov):
    """Make one step, in place; weight, grad, velocity and scratch have one shape.

    velocity[i, o] = momentum * velocity[i, o] + grad[i, o]
    weight[i, o] = weight[i, o] - lr * velocity[i, o], with the new velocity
    """
    # >>>
    # hint: velocity *= momentum changes the array itself; velocity = momentum * velocity does not
    # hint: weight -= lr * velocity, after the velocity is complete
    velocity *= momentum
    velocity += grad
    weight -= lr * velocity
    # <<<


# >>> check
CASES = {"sgd_step": lambda c: (*(c.x(c.i, c.o) for _ in range(4)), 0.1, 0.9, 0.0, False)}
OPTIONS = "--optimizer", "sgd:momentum=0.9", "--lr", "0.02"
# <<<
