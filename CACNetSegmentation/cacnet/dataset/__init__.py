"""Labelled data sets of others, and corrections made here, read into one kind of value and written as cases.

`layouts` recognises a data set; `nnunet`, `orcascore`, `coca` and `corrections` read one layout each into a
`scan.LabelledScan`; `check` says what is to be said about it; `run` goes through a whole data set; `case_folder` writes
the folders that `cacnet evaluate` reads (training cases are written by `cacnet.training.from_dataset`). The other way,
`export` writes a reviewed result as a case of our own layout (`corrections`) or of nnU-Net's (`nnunet_export`).

What a data set does not label is unknown, never empty: it stays None here, has no file in a case folder, and is listed
under "unknown" in its record. No network and no torch is needed. Research use only, not for diagnosis.
"""
