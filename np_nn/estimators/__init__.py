"""scikit-learn's MLPClassifier and MLPRegressor, trained by np_nn: same API, several times faster.

This folder needs scikit-learn; ``np_nn`` imports it at the first access to MLPClassifier or
MLPRegressor.
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
