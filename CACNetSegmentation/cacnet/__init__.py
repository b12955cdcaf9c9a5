"""CAC-Net: coronary calcium in contrast-enhanced CT, from a volume to lesions and scores.

The chain, one module per step: `reading` → `validation` → `prepare` → `network`/`inference` → `postprocessing` →
`vessels` → `lesions` → `scoring` → `report`; `pipeline` joins them. Nothing in this package imports slicer, vtk or qt.
Research use only, not for diagnosis.
"""

__version__ = "0.1.0"
