"""Model bundles: what is saved comes back, and nothing damaged, altered or foreign gets in."""

import dataclasses
import hashlib
import json
import struct
import subprocess
import sys

import pytest
import torch
from cacnet.network import (
    BorderConfig,
    BorderNetwork,
    CACNet,
    Companions,
    ContextConfig,
    ContextNetwork,
    NetworkConfig,
    WallConfig,
    WallNetwork,
)
from cacnet.weights import (
    CARD_FILE,
    WALLS_FILE,
    WEIGHTS_FILE,
    CorruptModelError,
    IncompatibleModelError,
    ModelCard,
    ModelNotFoundError,
    list_bundles,
    load_bundle,
    read_card,
    save_bundle,
)
from safetensors.torch import save

TINY = NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2)


@pytest.fixture
def bundle(tmp_path):
    """The folder of a sound bundle called 'tiny' in tmp_path."""
    torch.manual_seed(0)
    return save_bundle(CACNet(TINY), ModelCard(id="tiny", name="Tiny"), tmp_path).folder


def rewrite_card(folder, change):
    card = json.loads((folder / CARD_FILE).read_text())
    change(card)
    (folder / CARD_FILE).write_text(json.dumps(card))


def replace_weights(folder, data):
    """Other weights, with a card that vouches for them."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    rewrite_card(folder, lambda card: card["weights"].update(bytes=len(data), sha256=sha256))


def tensors_of(folder):
    return {name: tensor.half() for name, tensor in load_bundle(folder).network.state_dict().items()}


def test_a_saved_network_answers_the_same_after_loading(tmp_path):
    torch.manual_seed(1)
    network = CACNet(TINY).half().float().eval()  # half precision is what the bundle keeps
    save_bundle(network, ModelCard(id="tiny", name="Tiny", training={"steps": 3}), tmp_path)
    loaded = load_bundle("tiny", [tmp_path])
    image = torch.randn(1, 1, 32, 32, 32)
    torch.testing.assert_close(loaded.network(image), network(image))
    assert loaded.network.config == TINY
    assert loaded.card.training == {"steps": 3}
    assert not loaded.network.training


def test_batch_normalisation_keeps_its_counters(tmp_path):
    network = CACNet(dataclasses.replace(TINY, norm="batch"))
    network(torch.randn(1, 1, 32, 32, 32))
    save_bundle(network, ModelCard(id="tiny", name="Tiny"), tmp_path)
    assert load_bundle("tiny", [tmp_path]).network.encoder[0].down[1].num_batches_tracked == 1


def test_every_card_says_that_training_was_simulated(bundle):
    assert "simulated CCTA" in load_bundle(bundle).card.statement


def test_a_bundle_is_found_by_id_and_by_path(bundle, tmp_path):
    assert load_bundle("tiny", [tmp_path / "empty", tmp_path]).card == load_bundle(str(bundle)).card


def test_saving_again_replaces_the_bundle_and_leaves_nothing_beside_it(bundle, tmp_path):
    save_bundle(CACNet(TINY), ModelCard(id="tiny", name="Second"), tmp_path)
    assert load_bundle(bundle).card.name == "Second"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert sorted(path.name for path in bundle.iterdir()) == [CARD_FILE, WEIGHTS_FILE]


def test_listing_shows_damaged_bundles_with_their_problem(bundle, tmp_path):
    save_bundle(CACNet(TINY), ModelCard(id="another", name="Another"), tmp_path)
    (bundle / CARD_FILE).write_text("{")
    another, tiny = list_bundles([tmp_path, tmp_path / "missing"])
    assert another.card.name == "Another"
    assert tiny.card is None
    assert "not JSON" in tiny.problem


def test_an_unknown_model_names_those_that_exist(bundle, tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no model 'huge'.*tiny"):
        load_bundle("huge", [tmp_path])


@pytest.mark.parametrize("path", ["../tiny/../nothing", "/nowhere/at/all"])
def test_a_path_without_a_bundle_is_not_found(path, tmp_path):
    with pytest.raises(ModelNotFoundError):
        load_bundle(path, [tmp_path])


def test_a_flipped_bit_is_noticed_before_parsing(bundle):
    data = bytearray((bundle / WEIGHTS_FILE).read_bytes())
    data[-1] ^= 1
    (bundle / WEIGHTS_FILE).write_bytes(data)
    with pytest.raises(CorruptModelError, match="checksum"):
        load_bundle(bundle)


def test_a_cut_file_is_noticed(bundle):
    (bundle / WEIGHTS_FILE).write_bytes((bundle / WEIGHTS_FILE).read_bytes()[:-10])
    with pytest.raises(CorruptModelError, match="bytes"):
        load_bundle(bundle)


def test_missing_weights_are_noticed(bundle):
    (bundle / WEIGHTS_FILE).unlink()
    with pytest.raises(CorruptModelError, match="cannot be read"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no readable tensor table"),
        (b"\x80\x04pickled", "no readable tensor table"),
        (struct.pack("<Q", 1 << 60) + b"{}", "no readable tensor table"),
        (struct.pack("<Q", 3) + b"not", "not JSON"),
        (struct.pack("<Q", 2) + b"[]", "lacks"),
    ],
)
def test_a_file_that_is_no_safetensors_is_refused(bundle, data, message):
    replace_weights(bundle, data)
    with pytest.raises(CorruptModelError, match=message):
        load_bundle(bundle)


def test_trailing_bytes_are_refused(bundle):
    replace_weights(bundle, (bundle / WEIGHTS_FILE).read_bytes() + b"\0\0")
    with pytest.raises(CorruptModelError, match="declares"):
        load_bundle(bundle)


def test_a_missing_and_an_unknown_tensor_are_refused(bundle):
    tensors = tensors_of(bundle)
    tensors["head.other"] = tensors.pop("head.bias")
    replace_weights(bundle, save(tensors))
    with pytest.raises(CorruptModelError, match="lacks 1 tensors and has 1 unknown"):
        load_bundle(bundle)


def test_a_tensor_of_another_shape_is_refused(bundle):
    replace_weights(bundle, save({**tensors_of(bundle), "head.bias": torch.zeros(3).half()}))
    with pytest.raises(CorruptModelError, match=r"head.bias.*\[3\]"):
        load_bundle(bundle)


def test_weights_that_are_not_numbers_are_refused(bundle):
    replace_weights(bundle, save({**tensors_of(bundle), "head.bias": torch.tensor([1.0, torch.nan]).half()}))
    with pytest.raises(CorruptModelError, match="not finite"):
        load_bundle(bundle)


def test_weights_too_large_for_half_precision_are_not_saved(tmp_path):
    network = CACNet(TINY)
    torch.nn.init.constant_(network.head.bias, 1e6)
    with pytest.raises(CorruptModelError, match="half precision"):
        save_bundle(network, ModelCard(id="tiny", name="Tiny"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_giant_network_in_a_forged_card_costs_no_memory(bundle):
    rewrite_card(bundle, lambda card: card["network"].update(widths=[2048] * 5))
    with pytest.raises(CorruptModelError, match="is F16"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), "../escape"),
        (("id",), 7),
        (("name",), None),
        (("training",), []),
        (("network",), None),
        (("network", "widths"), "wide"),
        (("network", "widths"), [1, 2, 3]),
        (("network", "classes"), True),
        (("network", "classes"), 5),
        (("network", "alignment"), 1),
        (("network", "surprise"), 1),
        (("input", "spacing_mm"), "0.5"),
        (("input", "tile_voxels"), -16),
        (("input", "tile_voxels"), 0),
        (("input", "tile_voxels"), 100),
        (("input", "tile_voxels"), 1 << 20),
        (("weights", "file"), "../../etc/passwd"),
        (("weights", "bytes"), 1.5),
        (("weights",), None),
    ],
)
def test_a_card_with_a_wrong_field_is_refused(bundle, path, value):
    def change(card):
        for name in path[:-1]:
            card = card[name]
        card[path[-1]] = value

    rewrite_card(bundle, change)
    with pytest.raises(CorruptModelError):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["[]", "\udcff", "{" + " " * (1 << 20) + "}"])
def test_a_card_that_is_no_json_object_is_refused(bundle, text):
    (bundle / CARD_FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CorruptModelError):
        load_bundle(bundle)


def test_another_schema_asks_for_an_update(bundle):
    rewrite_card(bundle, lambda card: card.update(schema_version=2))
    with pytest.raises(IncompatibleModelError, match="Update CACNet"):
        load_bundle(bundle)


def test_a_model_for_another_input_is_not_used(bundle):
    rewrite_card(bundle, lambda card: card["input"].update(spacing_mm=1.0))
    with pytest.raises(IncompatibleModelError, match=r"wants 1.0 mm"):
        load_bundle(bundle)


@pytest.mark.parametrize("hu_range", [[-250.0, 4000.0], [-1024.0, 1300.0], [-250.0, -250.0]])
def test_a_model_for_other_hu_than_are_prepared_is_not_used(bundle, hu_range):
    rewrite_card(bundle, lambda card: card["input"].update(hu_range=hu_range))
    with pytest.raises(IncompatibleModelError, match="no more than"):
        load_bundle(bundle)


def test_a_model_from_when_hu_were_clipped_lower_still_loads(bundle):
    rewrite_card(bundle, lambda card: card["input"].update(hu_range=[-250.0, 1300.0]))
    assert load_bundle(bundle).card.input.hu_range == (-250.0, 1300.0)


def test_a_border_network_from_before_cards_said_so_saw_no_more_than_3_and_had_no_context(tmp_path):
    borders = BorderNetwork(BorderConfig((8, 8, 8), context=0))
    saved = save_bundle(CACNet(TINY), ModelCard(id="tiny", name="Tiny"), tmp_path, Companions(borders))
    rewrite_card(saved.folder, lambda card: [card["borders"].pop(name) for name in ("brightest", "context")])
    assert load_bundle(saved.folder).borders.config == BorderConfig((8, 8, 8), context=0, brightest=3.0)


def test_an_id_that_is_no_folder_name_is_not_saved(tmp_path):
    with pytest.raises(CorruptModelError, match="id"):
        save_bundle(CACNet(TINY), ModelCard(id="../escape", name="Tiny"), tmp_path)


def test_loading_a_model_does_not_load_torchs_compiler(bundle):
    code = f"import sys; from cacnet.weights import load_bundle; load_bundle({str(bundle)!r}); "
    code += "sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_companions_come_back_with_their_model(tmp_path):
    torch.manual_seed(1)
    borders, context = BorderNetwork(BorderConfig((8, 8, 16))), ContextNetwork(ContextConfig((8, 8, 8, 16)))
    walls = WallNetwork(WallConfig((4, 8)))
    companions = Companions(borders, context, walls)
    saved = save_bundle(CACNet(TINY), ModelCard(id="tiny", name="Tiny"), tmp_path, companions)
    loaded = load_bundle("tiny", [tmp_path])
    assert loaded.card.borders == BorderConfig((8, 8, 16))
    assert loaded.card.context == saved.card.context == ContextConfig((8, 8, 8, 16))
    assert loaded.card.walls == WallConfig((4, 8))
    for companion, stored in ((borders, loaded.borders), (context, loaded.context), (walls, loaded.walls)):
        assert not stored.training
        for name, tensor in companion.state_dict().items():
            expected = tensor.half().float() if tensor.is_floating_point() else tensor
            torch.testing.assert_close(stored.state_dict()[name], expected)


@pytest.mark.parametrize("name", ["borders", "context"])
def test_a_model_without_a_companion_and_one_from_before_there_were_any_load(bundle, name):
    assert getattr(load_bundle(bundle), name) is None
    rewrite_card(bundle, lambda card: card.pop(name))
    assert getattr(load_bundle(bundle), name) is None


@pytest.fixture
def with_walls(tmp_path):
    return save_bundle(CACNet(TINY), ModelCard("tiny", "Tiny"), tmp_path, Companions(walls=WallNetwork())).folder


def test_a_new_wall_network_leaves_the_large_weights_file_as_it_is(with_walls):
    before, walls = (with_walls / WEIGHTS_FILE).read_bytes(), (with_walls / WALLS_FILE).read_bytes()
    loaded = load_bundle(with_walls)
    save_bundle(loaded.network, loaded.card, with_walls.parent, Companions(walls=WallNetwork()))
    assert (with_walls / WEIGHTS_FILE).read_bytes() == before
    assert (with_walls / WALLS_FILE).read_bytes() != walls
    assert [record.file for record in read_card(with_walls).weight_files] == [WEIGHTS_FILE, WALLS_FILE]


def test_a_bundle_that_is_replaced_by_one_without_walls_keeps_none(with_walls):
    loaded = load_bundle(with_walls)
    save_bundle(loaded.network, loaded.card, with_walls.parent)
    assert sorted(path.name for path in with_walls.iterdir()) == [CARD_FILE, WEIGHTS_FILE]
    assert load_bundle(with_walls).walls is None


@pytest.mark.parametrize("damage", [bytes.upper, lambda data: data[:-1], None])
def test_damaged_or_missing_wall_weights_are_noticed(with_walls, damage):
    path = with_walls / WALLS_FILE
    path.unlink() if damage is None else path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptModelError, match=WALLS_FILE):
        load_bundle(with_walls)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"walls": {"widths": [8, 10]}}, "wall widths"),
        ({"walls": {"widths": [8, 16]}}, "walls.encoder"),
        ({"wall_weights": None}, "wall_weights"),
        ({"wall_weights": {"file": "../x", "bytes": 1, "sha256": "", "tensors": 1}}, r"\.\./x"),
    ],
)
def test_a_card_whose_wall_network_is_not_in_its_file_is_refused(with_walls, change, message):
    rewrite_card(with_walls, lambda card: card.update(change))
    with pytest.raises(CorruptModelError, match=message):
        load_bundle(with_walls)


@pytest.mark.parametrize(
    ("borders", "message"),
    [
        ({"widths": [8, 8, 12]}, "border widths"),
        ({"widths": [8, 8]}, "borders.widths"),
        ({"width": 8}, "borders"),
        ({"widths": [8, 8, 16], "brightest": -1.0}, "brightest"),
        ({"widths": [8, 8, 16]}, "tensors"),
    ],
)
def test_a_card_whose_border_network_is_not_in_the_weights_is_refused(bundle, borders, message):
    rewrite_card(bundle, lambda card: card.update(borders=borders))
    with pytest.raises(CorruptModelError, match=message):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"widths": [8, 8, 8, 12]}, "context widths"),
        ({"widths": [8, 8, 8]}, "context.widths"),
        ({}, "context"),
        ({"widths": [8, 8, 8, 16]}, "tensors"),
    ],
)
def test_a_card_whose_context_network_is_not_in_the_weights_is_refused(bundle, context, message):
    rewrite_card(bundle, lambda card: card.update(context=context))
    with pytest.raises(CorruptModelError, match=message):
        load_bundle(bundle)
