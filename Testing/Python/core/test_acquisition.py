"""What Slicer knows of a scan fills what its file does not say."""

import numpy as np
from cacnet.acquisition import completed
from cacnet.volume import Acquisition, Geometry, Volume


def test_the_files_own_headers_are_believed_and_the_rest_is_added():
    own = Acquisition(modality="CT", kvp=100.0)
    volume = Volume(np.zeros((2, 2, 2), np.int16), Geometry((2, 2, 2), (1, 1, 1)), own)
    known = Acquisition(kvp=120.0, kernel="Bv40", patient_age_years=61.0)
    assert completed(volume, known).acquisition == Acquisition("CT", 100.0, kernel="Bv40", patient_age_years=61.0)
    assert volume.acquisition == own
