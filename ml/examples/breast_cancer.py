"""Breast cancer: 569 real biopsies (Wolberg, Street, Mangasarian 1995, Wisconsin Diagnostic data)."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml.examples import Example

TARGET = "diagnosis"


def train() -> Example:
    """Fit a logistic regression on three quarters of the biopsies; the rest is held out."""
    data = load_breast_cancer(as_frame=True)
    biopsies = data.data.rename(columns=lambda name: name.replace(" ", "_"))
    biopsies[TARGET] = data.target.map(dict(enumerate(data.target_names)))
    known, held_out = train_test_split(
        biopsies, test_size=0.25, random_state=0, stratify=biopsies[TARGET]
    )
    estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    estimator.fit(known.drop(columns=TARGET), known[TARGET])
    return Example(estimator=estimator, held_out=held_out, target=TARGET)
