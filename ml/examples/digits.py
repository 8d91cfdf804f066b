"""Digits: 1,797 real handwritten digits of 8 by 8 pixels (Alpaydin and Kaynak 1998, UCI)."""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from ml.examples import Example

TARGET = "digit"


def train() -> Example:
    """Fit a random forest on three quarters of the images; the rest is held out."""
    data = load_digits(as_frame=True)
    images = data.data.astype(int)
    images[TARGET] = data.target
    known, held_out = train_test_split(
        images, test_size=0.25, random_state=0, stratify=images[TARGET]
    )
    estimator = RandomForestClassifier(n_estimators=100, random_state=0)
    estimator.fit(known.drop(columns=TARGET), known[TARGET])
    return Example(estimator=estimator, held_out=held_out, target=TARGET)
