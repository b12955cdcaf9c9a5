"""The protocols that come with the program, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from cacnet.errors import CacnetError
from cacnet.scoring.protocol import (
    AGATSTON_BANDS_HU,
    BloodPoolThreshold,
    CalibratedAgatston,
    FixedThreshold,
    KvpBands,
    MinimumArea,
    MinimumPixels,
    Protocol,
)
from cacnet.scoring.simulated_pairs import VOLUME_CALIBRATION


class UnknownProtocolError(CacnetError):
    """No protocol has that name."""


LITERATURE = Protocol(
    name="literature",
    source="Agatston 1990, 10.1016/0735-1097(90)90282-T; increments as validated in 10.1002/mp.14912",
    description="The Agatston score as published: 130 HU, islands of at least 1 mm², scaled to 3 mm. For "
    "non-contrast CT.",
    threshold=FixedThreshold(AGATSTON_BANDS_HU[0]),
)

# Two SD, as Pavitt 2014 took them: within a calcium mask the threshold only has to trim lumen at the mask's edge, of
# which 2 SD leave 2.3 %; 3 SD would leave 0.1 % but cost small lesions, whose blurred peak is not far above the lumen.
CCTA_ADAPTIVE = Protocol(
    name="ccta-adaptive",
    source="threshold above the patient's own blood pool after Pavitt 2014, 10.1007/s10554-014-0439-3; "
    "other rules as 'literature'",
    description="For contrast CT: blood-pool median + 2 SD, never below 130 HU, inside the calcium mask. A "
    "CCTA-derived Agatston equivalent.",
    threshold=BloodPoolThreshold(k=2.0),
)

CCTA_ADAPTIVE_3MM = replace(
    CCTA_ADAPTIVE,
    name="ccta-adaptive-3mm",
    description="As 'ccta-adaptive' on slices averaged to 3 mm, the thickness that the Agatston score was defined on.",
    reslice_mm=3.0,
)

CCTA_CALIBRATED = replace(
    CCTA_ADAPTIVE,
    name="ccta-calibrated",
    description="As 'ccta-adaptive', with an estimate of the score without contrast beside it, calibrated on "
    "simulation: from the calcium's volume, with a 95 % prediction interval. Not validated on patients.",
    equivalent=VOLUME_CALIBRATION,
)

PAVITT_2014 = Protocol(
    name="pavitt-2014",
    source="Pavitt 2014, 10.1007/s10554-014-0439-3 (503 patients, 3 mm slices; bias +5.4, limits −207 to 218)",
    description="Blood-pool mean + 2 SD on slices averaged to 3 mm, as it was established on; converted to a "
    "non-contrast score by 1.183·r + 0.002·r·threshold.",
    threshold=BloodPoolThreshold(k=2.0),
    calibration=CalibratedAgatston(constant=1.183, per_hu=0.002),
    reslice_mm=3.0,
)

ORCASCORE = Protocol(
    name="orcascore",
    source="orCaScore evaluation rules, Wolterink 2016, 10.1118/1.4945696",
    description="As the orCaScore challenge: strictly over 130 HU, 6-connected lesions. For non-contrast CT.",
    threshold=FixedThreshold(AGATSTON_BANDS_HU[0]),
    strict_threshold=True,
    lesion_connectivity=6,
)

KVP_ADJUSTED = Protocol(
    name="kvp-adjusted",
    source="Gräni 2018, 10.1093/ehjci/jey019",
    description="As 'literature', with threshold and density bands for the tube voltage, 70 to 135 kVp. For "
    "non-contrast CT.",
    threshold=KvpBands(
        (
            (70.0, (207.0, 318.0, 477.0, 636.0)),
            (80.0, (177.0, 271.0, 408.0, 544.0)),
            (100.0, (145.0, 222.0, 334.0, 446.0)),
            (120.0, AGATSTON_BANDS_HU),
            (135.0, (119.0, 183.0, 274.0, 364.0)),
        )
    ),
)


def _vendor_like(vendor: str, minimum: MinimumArea | MinimumPixels, rule: str) -> Protocol:
    """The published rule with the smallest island that a vendor's workstation counts."""
    return Protocol(
        name=f"like-{vendor.lower()}",
        source="smallest islands of workstations as found in 10.1002/mp.14912",
        description=f"As 'literature', but {rule}, as workstations of {vendor} count. For non-contrast CT.",
        threshold=FixedThreshold(AGATSTON_BANDS_HU[0]),
        minimum=minimum,
    )


VENDOR_LIKE = (
    _vendor_like("GE", MinimumArea(1.0), "islands of at least 1 mm²"),
    _vendor_like("TeraRecon", MinimumArea(1.0), "islands of at least 1 mm²"),
    _vendor_like("Siemens", MinimumPixels(1), "islands of any size"),
    _vendor_like("Philips", MinimumArea(0.5), "islands of at least 0.5 mm²"),
    _vendor_like("Canon", MinimumPixels(3), "islands of at least 3 pixels"),
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        p.name: p
        for p in (
            *(CCTA_ADAPTIVE, CCTA_CALIBRATED, CCTA_ADAPTIVE_3MM, LITERATURE, PAVITT_2014, KVP_ADJUSTED, ORCASCORE),
            *VENDOR_LIKE,
        )
    }
)
DEFAULT_PROTOCOL = CCTA_ADAPTIVE
"""The protocol for contrast CT, which is what this program is for.

On simulated pairs (Testing/Benchmark/equivalent.md) every sum over contrast CT is several times too low and the
threshold hardly matters, so the default is the one that converts nothing and sees the smallest lesions: averaging to
3 mm loses some. 'pavitt-2014' and 'ccta-calibrated' come close to the calcium scan; neither has been compared with real
pairs here.
"""


def protocol_named(name: str) -> Protocol:
    """The protocol of that name, whatever its case.

    Raises:
        UnknownProtocolError: naming those that exist.
    """
    try:
        return PROTOCOLS[name.strip().lower()]
    except KeyError:
        raise UnknownProtocolError(f"no protocol is called '{name}'", f"one of {', '.join(PROTOCOLS)}") from None
