"""scikit-learn's networks, trained by np_nn: the same words, several times as fast.

Everything of np_nn that needs scikit-learn is in this folder; ``np_nn`` imports it when
MLPClassifier or MLPRegressor is first asked for.
"""

try:
    from sklearn.utils.validation import validate_data as _from_1_6
except ImportError:
    raise ImportError(
        "np_nn.MLPClassifier and MLPRegressor need scikit-learn 1.6 or newer: "
        "pip install --upgrade scikit-learn"
    ) from None

from np_nn.estimators.classifier import MLPClassifier
from np_nn.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
