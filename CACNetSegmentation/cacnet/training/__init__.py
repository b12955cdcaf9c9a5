"""Training of CAC-Net: `cases` (what a case is) → `sampling` and `augmentation` (patches) → `train` (the loop).

Cases come from the simulator (`make_cases`; `simulators` while training runs) or from labelled scans (`from_dataset`).
`configuration` holds every setting, `trainer` one network in training, `parallel` several GPUs, `feed` the worker
processes, `stopwatch` what a run says. `fine_tune` trains a model further on a clinic's cases, split by
`clinic_data` and compared by `held_out`. Start at `train.py`. Inference never imports this package.
"""
