"""Training of CAC-Net: `cases` (what a case is) → `sampling` and `augmentation` (patches) → `train` (the loop).

Cases come from the simulator (`make_cases`; `simulators` while training runs) or from labelled scans (`from_dataset`).
`configuration` holds every setting, `trainer` one network in training, `parallel` several GPUs, `feed` the worker
processes, `stopwatch` what a run says. Start at `train.py`. Inference never imports this package.
"""
