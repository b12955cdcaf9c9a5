"""Simulated coronary CT angiograms: one seed, one patient, one scan with its truth.

`patient` draws who is scanned and how; `heart`, `coronaries`, `plaque`, `thorax` and `devices` paint the anatomy onto
a `canvas` in patient coordinates; `scanner` turns the painted tissue into a CT in HU; `simulate` joins them.
"""
