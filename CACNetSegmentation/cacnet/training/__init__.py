"""Training of CAC-Net: `cases` (what a case is) → `sampling` and `augmentation` (patches) → `train` (the loop).

Start at `train.py`. Inference never imports this package.
"""
