"""A result as DICOM objects that belong to the CT's study: SEG (calcium and arteries) and SR (TID 1500, the scores).

`source` finds the images that a result was made from, `segmentation` and `measurements` make one object each, `export`
writes both. Unlike an export for training, these objects carry the patient's identity over from the source images, so
that an archive files them under the right study. Made with highdicom (10.1007/s10278-022-00683-y).
"""
