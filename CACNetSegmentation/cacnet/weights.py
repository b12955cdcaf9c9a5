"""Model bundles: a folder with weights and `model.json`, checked in full before any of it is used.

A bundle holds CAC-Net and, in most, companions (cacnet.network.companions) that were trained on its answers.
`weights.safetensors` has the weights of all but the wall network, which are in `walls.safetensors`: so a new one, of
some kilobytes, leaves the file of 12 MB as it is.

Bundles come from elsewhere, so nothing in them is trusted: sizes are bounded, the card is read field by field, the
checksum and the tensor table are compared before the tensors are parsed, and nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as to_safetensors
from torch.overrides import TorchFunctionMode

from cacnet import temporaries
from cacnet.errors import CacnetError
from cacnet.files import writing_to
from cacnet.model_folders import BUNDLED_MODELS, model_folders, user_models
from cacnet.network import (
    COMPANIONS,
    BorderConfig,
    BorderNetwork,
    CACNet,
    CompanionKind,
    Companions,
    ContextConfig,
    ContextNetwork,
    NetworkConfig,
    NetworkConfigError,
    WallConfig,
    WallNetwork,
)
from cacnet.network.cacnet import SIZE_MULTIPLE
from cacnet.plain_json import parse_json
from cacnet.prepare import HU_RANGE, MODEL_SPACING_MM

__all__ = [
    "BUNDLED_MODELS",
    "CorruptModelError",
    "IncompatibleModelError",
    "InputContract",
    "LoadedModel",
    "ModelBundle",
    "ModelCard",
    "ModelNotFoundError",
    "WeightsRecord",
    "list_bundles",
    "load_bundle",
    "read_card",
    "save_bundle",
    "user_models",
]

SCHEMA_VERSION = 1
CARD_FILE = "model.json"
WEIGHTS_FILE, WALLS_FILE = "weights.safetensors", "walls.safetensors"
WALLS_PREFIX = "walls."
MAX_CARD_BYTES = 1 << 20
MAX_WEIGHTS_BYTES = 256 << 20
MAX_HEADER_BYTES = 1 << 20
MAX_TILE_VOXELS = 512
STATEMENT = "Trained on simulated CCTA. Research use only, not for diagnosis."
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class ModelNotFoundError(CacnetError):
    """No bundle of that name, or no bundle at that path."""


class CorruptModelError(CacnetError):
    """A bundle whose files are damaged, altered, or not what its card says."""


class IncompatibleModelError(CacnetError):
    """A sound bundle that this version cannot use: another schema, another input."""


@dataclass(frozen=True)
class InputContract:
    """What the network expects; cacnet.prepare delivers exactly the defaults.

    Attributes:
        spacing_mm: edge of the isotropic voxels.
        hu_range: Hounsfield units that it tells apart; all beyond are one to it (cacnet.prepare.normalise_hu).
        tile_voxels: edge of the patches the network was trained on, and so of the tiles it answers best on.
    """

    spacing_mm: float = MODEL_SPACING_MM
    hu_range: tuple[float, float] = HU_RANGE
    tile_voxels: int = 96


@dataclass(frozen=True)
class WeightsRecord:
    """A weights file as the card describes it."""

    file: str
    bytes: int
    sha256: str
    tensors: int


@dataclass(frozen=True)
class ModelCard:
    """What `model.json` says.

    Attributes:
        id: folder name; lower case, digits, '.', '_', '-'.
        name: for people.
        created: ISO 8601, UTC.
        network: how to rebuild the network.
        input: what to feed it.
        borders: how to rebuild the border network; None in a bundle without one, where a rule draws the borders.
        context: how to rebuild the context network; None in a bundle without one, as in models up to
            cacnet-simulated-v6.
        walls: how to rebuild the wall network; None in a bundle without one, as in models up to cacnet-simulated-v7.
        weights: the file beside the card; None until saved.
        wall_weights: that of the wall network; None until saved, and without one.
        training: how it was trained (free form).
        accuracy: what was measured, on what (free form).
        statement, license: shown wherever the model is offered.
    """

    id: str
    name: str
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    network: NetworkConfig = field(default_factory=NetworkConfig)
    input: InputContract = field(default_factory=InputContract)
    borders: BorderConfig | None = None
    context: ContextConfig | None = None
    walls: WallConfig | None = None
    weights: WeightsRecord | None = None
    wall_weights: WeightsRecord | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    accuracy: Mapping[str, Any] = field(default_factory=dict)
    statement: str = STATEMENT
    license: str = "Apache-2.0"

    @property
    def weight_files(self) -> tuple[WeightsRecord, ...]:
        """Every weights file of the bundle."""
        return tuple(record for record in (self.weights, self.wall_weights) if record is not None)


@dataclass(frozen=True)
class ModelBundle:
    """A bundle as found on disk. `card` is None, and `problem` says why, where the card cannot be read."""

    folder: Path
    card: ModelCard | None
    problem: str = ""


@dataclass(frozen=True)
class LoadedModel:
    """Networks in evaluation mode, float32 on the CPU, with their card."""

    network: CACNet
    card: ModelCard
    companions: Companions = field(default_factory=Companions)

    @property
    def borders(self) -> BorderNetwork | None:
        """The network that draws the lesions' borders."""
        return self.companions.borders

    @property
    def context(self) -> ContextNetwork | None:
        """The network that sees the whole heart."""
        return self.companions.context

    @property
    def walls(self) -> WallNetwork | None:
        """The network that draws the arteries' walls."""
        return self.companions.walls


def list_bundles(folders: Iterable[Path | str] | None = None) -> tuple[ModelBundle, ...]:
    """Every bundle in `folders` (by default those of `model_folders`), by folder name; damaged ones too, with their
    problem. The weights are not read."""
    found = []
    for folder in map(Path, model_folders() if folders is None else folders):
        candidates = (
            sorted(path for path in folder.iterdir() if (path / CARD_FILE).is_file()) if folder.is_dir() else []
        )
        for candidate in candidates:
            try:
                found.append(ModelBundle(candidate, read_card(candidate)))
            except CacnetError as error:
                found.append(ModelBundle(candidate, None, str(error)))
    return tuple(found)


def load_bundle(id_or_path: str | Path, folders: Iterable[Path | str] | None = None) -> LoadedModel:
    """The model of that id in `folders` (by default those of `model_folders`), or in the folder of that path.

    Raises ModelNotFoundError, CorruptModelError, IncompatibleModelError.
    """
    folder = _find(id_or_path, tuple(map(Path, model_folders() if folders is None else folders)))
    card = read_card(folder)
    with torch.device("meta"), _Uninitialised():  # shapes without memory: a forged card cannot make us allocate
        expected = _tensors(CACNet(card.network), _companions(card))
    tensors: dict[str, torch.Tensor] = {}
    for record, part in zip((card.weights, card.wall_weights), _by_file(expected), strict=True):
        tensors |= _loaded(folder, record, part) if record is not None else {}
    network, companions = CACNet(card.network), _companions(card)
    network.load_state_dict(_of(tensors, ""), strict=True)
    for kind, companion in companions.each():
        companion.load_state_dict(_of(tensors, kind.prefix), strict=True)
        companion.train(False)
    return LoadedModel(network.eval(), card, companions)


def _loaded(folder: Path, record: WeightsRecord, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a weights file, which has to hold those expected."""
    data = _read_weights(folder, record)
    _check_header(data, expected, folder, record.file)
    try:
        tensors = parse_safetensors(data)
    except SafetensorError as error:  # such as extents that overlap
        raise _corrupt(
            folder, f"the tensor table of {record.file} is damaged ({error})", "a safetensors file"
        ) from error
    broken = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise _corrupt(folder, f"the weights '{broken[0]}' hold numbers that are not finite", "finite weights")
    return {name: tensor.to(expected[name].dtype) for name, tensor in tensors.items()}


def read_card(folder: Path) -> ModelCard:
    """The checked card of the bundle in `folder`; raises CorruptModelError or IncompatibleModelError."""
    text = _read_bounded(folder / CARD_FILE, MAX_CARD_BYTES)
    try:
        raw = parse_json(text)
    except ValueError as error:  # includes bytes that are not UTF-8
        raise _corrupt(folder, f"{CARD_FILE} is not JSON ({error})", "a model card") from error
    if not isinstance(raw, dict):
        raise _corrupt(folder, f"{CARD_FILE} holds a {type(raw).__name__}", "a JSON object")
    if raw.get("schema_version") != SCHEMA_VERSION:
        raise IncompatibleModelError(
            found=f"the model '{folder.name}' has schema version {raw.get('schema_version')!r}",
            expected=f"version {SCHEMA_VERSION}",
            action="Update CACNet, or choose another model",
        )
    card = _card_from(raw, folder)
    lowest, highest = card.input.hu_range
    if (card.input.spacing_mm, lowest) != (MODEL_SPACING_MM, HU_RANGE[0]) or not lowest < highest <= HU_RANGE[1]:
        raise IncompatibleModelError(
            found=f"the model '{card.id}' wants {card.input.spacing_mm} mm and HU clipped to {card.input.hu_range}",
            expected=f"{MODEL_SPACING_MM} mm and no more than {HU_RANGE}, which is what this version prepares",
            action="Choose a model made for this version",
        )
    return card


def save_bundle(
    network: CACNet, card: ModelCard, folder: Path | str, companions: Companions | None = None
) -> ModelBundle:
    """Write `folder`/`card.id`/ with the weights in half precision; an existing bundle of that id is replaced.

    The bundle appears whole or not at all. `card.weights` and the networks' shapes are filled in here.
    Raises CorruptModelError where a weight is not finite in half precision.
    """
    target, companions = Path(folder) / card.id, companions or Companions()
    if not _ID.fullmatch(card.id):
        raise _corrupt(target, f"the model id '{card.id}'", "lower-case letters, digits, '.', '_' and '-'")
    tensors = {name: _halved(tensor) for name, tensor in _tensors(network, companions).items()}
    broken = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise _corrupt(target, f"the weights '{broken[0]}' are not finite in half precision", "finite weights")
    files: dict[str, bytes] = {}
    records: list[WeightsRecord | None] = []
    for name, part in zip((WEIGHTS_FILE, WALLS_FILE), _by_file(tensors), strict=True):
        data = to_safetensors(part)
        records.append(WeightsRecord(name, len(data), hashlib.sha256(data).hexdigest(), len(part)) if part else None)
        files |= {name: data} if part else {}
    shapes: dict[str, Any] = {"network": network.config, **{kind.name: None for kind in COMPANIONS}}
    shapes |= {kind.name: companion.config for kind, companion in companions.each()}
    card = ModelCard(**{**_shallow(card), **shapes, "weights": records[0], "wall_weights": records[1]})
    text = json.dumps({"schema_version": SCHEMA_VERSION, **asdict(card)}, indent=2, allow_nan=False) + "\n"
    _write_folder(target, {**files, CARD_FILE: text.encode()})
    return ModelBundle(target, card)


def _companions(card: ModelCard) -> Companions:
    """The networks beside CAC-Net that the card describes, untrained."""
    shapes = ((kind, getattr(card, kind.name)) for kind in COMPANIONS)
    networks: dict[str, Any] = {kind.name: kind.network(shape) for kind, shape in shapes if shape is not None}
    return Companions(**networks)


def _tensors(network: CACNet, companions: Companions) -> dict[str, torch.Tensor]:
    """The tensors of all networks under the names of the weights file."""
    tensors = dict(network.state_dict())
    for kind, companion in companions.each():
        tensors |= {kind.prefix + name: tensor for name, tensor in companion.state_dict().items()}
    return tensors


def _by_file(tensors: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The tensors of WEIGHTS_FILE and those of WALLS_FILE."""
    of_walls = {name: tensor for name, tensor in tensors.items() if name.startswith(WALLS_PREFIX)}
    return {name: tensor for name, tensor in tensors.items() if name not in of_walls}, of_walls


def _of(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Those of the network whose names begin with `prefix`, without it; "" for CAC-Net's, which begin with none."""
    if prefix:
        return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return {name: t for name, t in tensors.items() if not name.startswith(tuple(kind.prefix for kind in COMPANIONS))}


def _find(id_or_path: str | Path, folders: tuple[Path, ...]) -> Path:
    by_id = [folder / str(id_or_path) for folder in folders] if _ID.fullmatch(str(id_or_path)) else []
    for candidate in [*by_id, Path(id_or_path)]:
        if (candidate / CARD_FILE).is_file():
            return candidate
    known = ", ".join(bundle.folder.name for bundle in list_bundles(folders)) or "none"
    raise ModelNotFoundError(
        found=f"no model '{id_or_path}'",
        expected=f"the id of an installed model ({known}) or a folder with {CARD_FILE} and {WEIGHTS_FILE}",
    )


def _read_bounded(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise _corrupt(path.parent, f"{path.name} cannot be read ({error.strerror})", "a readable file") from error
    if len(data) > limit_bytes:
        raise _corrupt(path.parent, f"{path.name} is larger than {limit_bytes >> 20} MB", "a CACNet model")
    return data


def _read_weights(folder: Path, record: WeightsRecord) -> bytes:
    data = _read_bounded(folder / record.file, MAX_WEIGHTS_BYTES)
    if len(data) != record.bytes:
        raise _corrupt(folder, f"{record.file} has {len(data)} bytes", f"{record.bytes} bytes")
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != record.sha256:
        raise _corrupt(folder, f"{record.file} has the checksum {sha256[:12]}…", f"{record.sha256[:12]}…")
    return data


def _check_header(data: bytes, expected: Mapping[str, torch.Tensor], folder: Path, file: str) -> None:
    """Compare the tensor table of a safetensors file with the network's, and its extents with the file's size."""
    length = int.from_bytes(data[:8], "little") if len(data) >= 8 else MAX_HEADER_BYTES + 1
    if length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise _corrupt(folder, f"{file} has no readable tensor table", "a safetensors file")
    try:
        table = parse_json(data[8 : 8 + length])
    except ValueError as error:
        raise _corrupt(folder, f"the tensor table of {file} is not JSON", "a safetensors file") from error
    table = {name: entry for name, entry in table.items() if name != "__metadata__"} if isinstance(table, dict) else {}
    missing, extra = sorted(expected.keys() - table.keys()), sorted(table.keys() - expected.keys())
    if missing or extra:
        raise _corrupt(
            folder,
            f"{file} lacks {len(missing)} tensors and has {len(extra)} unknown ones ({(missing + extra)[0]})",
            "the tensors of the network that the card describes",
        )
    stored_bytes = sum(_check_entry(name, table[name], expected[name], folder) for name in expected)
    if stored_bytes != len(data) - 8 - length:
        raise _corrupt(folder, f"{file} declares {stored_bytes} bytes of tensors", "as many as it holds")


def _check_entry(name: str, entry: object, expected: torch.Tensor, folder: Path) -> int:
    dtype, item_bytes = ("F16", 2) if expected.is_floating_point() else ("I64", 8)
    declared = entry if isinstance(entry, dict) else {}
    if (declared.get("dtype"), declared.get("shape")) != (dtype, list(expected.shape)):
        raise _corrupt(
            folder,
            f"the tensor '{name}' is {declared.get('dtype')} {declared.get('shape')}",
            f"{dtype} {list(expected.shape)}",
        )
    return expected.numel() * item_bytes


def _card_from(raw: Mapping[str, Any], folder: Path) -> ModelCard:
    network = _fill(NetworkConfig, raw.get("network"), folder, "network")
    contract = _fill(InputContract, raw.get("input"), folder, "input")
    weights = _fill(WeightsRecord, raw.get("weights"), folder, "weights")
    companions = {kind.name: _shape_of(kind, raw.get(kind.name), folder) for kind in COMPANIONS}
    wall_weights = None
    if companions["walls"] is not None:
        wall_weights = _fill(WeightsRecord, raw.get("wall_weights"), folder, "wall_weights")
    texts: dict[str, Any] = {name: raw.get(name) for name in ("id", "name", "created", "statement", "license")}
    records: dict[str, Any] = {name: raw.get(name) for name in ("training", "accuracy")}
    for name, value in {**texts, **records}.items():
        if not isinstance(value, str if name in texts else dict):
            raise _corrupt(folder, f"'{name}' in {CARD_FILE} is {value!r}", "a text" if name in texts else "an object")
    if not _ID.fullmatch(str(raw["id"])):
        raise _corrupt(folder, f"the id {raw['id']!r}", "lower-case letters, digits, '.', '_' and '-'")
    if contract.tile_voxels % SIZE_MULTIPLE or not SIZE_MULTIPLE <= contract.tile_voxels <= MAX_TILE_VOXELS:
        raise _corrupt(folder, f"tiles of {contract.tile_voxels} voxels", f"a multiple of {SIZE_MULTIPLE}")
    for record, name in ((weights, WEIGHTS_FILE), (wall_weights, WALLS_FILE)):
        if record is not None and record.file != name:
            raise _corrupt(folder, f"the weights file {record.file!r}", name)
    return ModelCard(
        network=network, input=contract, weights=weights, wall_weights=wall_weights, **companions, **texts, **records
    )


def _shape_of(kind: CompanionKind, raw: object, folder: Path) -> Any:
    if raw is None:
        return None
    return _fill(kind.config, {**kind.before_recorded, **raw} if isinstance(raw, dict) else raw, folder, kind.name)


def _fill(kind: type[Any], raw: object, folder: Path, where: str) -> Any:
    """A dataclass from JSON with exactly its fields, each of the type of its annotation."""
    names = {entry.name: str(entry.type) for entry in fields(kind)}
    if not isinstance(raw, dict) or raw.keys() != names.keys():
        raise _corrupt(folder, f"'{where}' in {CARD_FILE} is not complete", f"an object with {', '.join(names)}")
    for name, annotation in names.items():
        if not _matches(raw[name], annotation):
            raise _corrupt(folder, f"'{where}.{name}' in {CARD_FILE} is {raw[name]!r}", annotation)
    try:
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()})
    except NetworkConfigError as error:
        raise _corrupt(folder, f"'{where}' in {CARD_FILE} has {error.found}", error.expected) from error


def _matches(value: object, annotation: str) -> bool:
    if annotation.startswith("tuple["):
        kinds = annotation.removeprefix("tuple[").removesuffix("]").split(", ")
        same_length = isinstance(value, list) and len(value) == len(kinds)
        return same_length and all(map(_matches, value, kinds))  # type: ignore[call-overload]
    if annotation == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if annotation == "int":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40
    return type(value).__name__ == annotation


class _Uninitialised(TorchFunctionMode):
    """Leaves out starting values of tensors on the device 'meta', which hold none: there they load torch's compiler,
    which takes 0.8 s."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is torch.logit or getattr(func, "__module__", None) == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    kept = tensor.detach().cpu().contiguous()
    return kept.half() if kept.is_floating_point() else kept


def _shallow(card: ModelCard) -> dict[str, Any]:
    return {entry.name: getattr(card, entry.name) for entry in fields(card)}


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = temporaries.new_folder(target.parent)
    try:
        with writing_to(target):
            _replace_files(target, staging, files)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace_files(target: Path, staging: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        with (staging / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    staging.chmod(0o755)  # a temporary folder is its owner's only
    if target.exists():
        # A folder cannot be replaced in one step; its files can, and the checksum exposes a pair that differs.
        for name in files:
            os.replace(staging / name, target / name)
        for name in {WALLS_FILE} - files.keys():  # of the bundle that was there
            (target / name).unlink(missing_ok=True)
    else:
        os.replace(staging, target)


def _corrupt(folder: Path, found: str, expected: str) -> CorruptModelError:
    return CorruptModelError(
        found=f"the model '{folder.name}': {found}", expected=expected, action="Install the model again"
    )
