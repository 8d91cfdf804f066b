"""For analysts: the models, their forms, and the answer."""
