#!/usr/bin/env bash
# Trains the bundled model from nothing but this repository: cases, CAC-Net, its border, context and wall networks,
# evaluation.
#
#   MINUTES=9 OUTPUT=build/bundled Testing/Benchmark/train_bundled.sh
#
# Made for one CUDA GPU and 16 cores; runs on any CPU with smaller numbers. A call ends after MINUTES at the latest and
# goes on where the last one stopped; call it until it says 'all done'. Other settings need another OUTPUT. Only
# OUTPUT/run, OUTPUT/borders, OUTPUT/context and OUTPUT/walls must be kept to go on training (cases/ in the first can be made again),
# and OUTPUT/walls/model is the result.
set -euo pipefail

: "${OUTPUT:=build/bundled}"
: "${MINUTES:=9}"                 # for one call
: "${PYTHON:=python}"             # with this repository's requirements installed
: "${MODEL_ID:=cacnet-simulated}"
: "${SEEDS:=0:160}"               # training patients; B excluded
: "${FIRST_SEEDS:=0:16}"          # those of them that training waits for; the others are simulated meanwhile
: "${BORDER_SEEDS:=20000:20400}"  # patients that CAC-Net does not see; those with much calcium are taken from them
: "${BORDER_STEPS:=10000}"
: "${CONTEXT_SEEDS:=21000:21150}" # others that CAC-Net does not see
: "${CONTEXT_STEPS:=6000}"
: "${WALL_SEEDS:=22000:22060}"    # others that none of them sees
: "${WALL_STEPS:=8000}"
: "${VALIDATION_SEEDS:=9000:9003}"
: "${HELD_OUT:=9100:9110}"        # seeds or a folder for the evaluation; empty for none
: "${SIMULATORS:=8}"              # processes; about 2 GB each
: "${WORKERS:=8}"                 # processes that prepare patches: about 20 patches a second each
: "${BATCH:=8}"
: "${PATCH_VOXELS:=96}"
: "${TOTAL_STEPS:=12000}"         # the log says after 20 steps how long they take; choose before the first call
: "${LEARNING_RATE:=0.002}"
: "${DEVICE:=auto}"
: "${LEAST_SECONDS:=60}"          # a stage is not begun with less
: "${MORE_SETTINGS:=}"            # JSON members, such as: , "mine_steps": 250

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$repository/CACNetSegmentation${PYTHONPATH:+:$PYTHONPATH} OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
run=$OUTPUT/run
mkdir -p "$run"

seconds_left() { echo $((${MINUTES} * 60 - SECONDS)); }

# Runs a command for as long as this call may still take; ends the call where that was not enough.
within_time() {
    local left status=0
    left=$(seconds_left)
    if ((left < LEAST_SECONDS)); then
        echo "time is up before: ${*:2:4} …; call again"
        exit 0
    fi
    timeout "$left" "$@" || status=$?
    if ((status == 124)); then
        echo "time is up; call again"
        exit 0
    fi
    return "$status"
}

steps_done() {
    "$PYTHON" -c 'import sys, pathlib
from cacnet.training.checkpoint import load_checkpoint
print((load_checkpoint(pathlib.Path(sys.argv[1])) or {"step": 0})["step"])' "$run"
}

echo "== 1. cases that training waits for"
for made in "$VALIDATION_SEEDS $OUTPUT/validation" "$FIRST_SEEDS $run/cases"; do
    read -r seeds folder <<<"$made"
    within_time "$PYTHON" -m cacnet.training.make_cases --seeds "$seeds" --output "$folder" --workers "$((SIMULATORS + WORKERS))"
done

echo "== 2. training"
if (($(steps_done) < TOTAL_STEPS)); then
    [ -f "$OUTPUT/settings.json" ] || cat >"$OUTPUT/settings.json" <<END
{"preset": "bundled", "batch": $BATCH, "patch_voxels": $PATCH_VOXELS, "total_steps": $TOTAL_STEPS,
 "learning_rate": $LEARNING_RATE, "workers": $WORKERS, "checkpoint_minutes": 1.0 $MORE_SETTINGS}
END
    # It stops by itself with time to validate, save and export.
    minutes=$("$PYTHON" -c "print(max(0.0, ($(seconds_left) - $LEAST_SECONDS) / 60))")
    within_time "$PYTHON" -m cacnet.training.train "$OUTPUT/settings.json" --simulate "$SEEDS" \
        --simulators "$SIMULATORS" --validation-cases "$OUTPUT/validation" --output "$run" --model-id "$MODEL_ID" \
        --device "$DEVICE" --resume --max-minutes "$minutes"
fi
if (($(steps_done) < TOTAL_STEPS)); then
    echo "$(steps_done) of $TOTAL_STEPS steps; call again"
    exit 0
fi

echo "== 3. export"
within_time "$PYTHON" -m cacnet.training.train --output "$run" --simulate "$SEEDS" --model-id "$MODEL_ID" --export-only

echo "== 4. border network"
with_borders=$OUTPUT/borders/model/$MODEL_ID
if [ ! -d "$with_borders" ]; then
    within_time "$PYTHON" -m cacnet.training.borders --model "$run/model/$MODEL_ID" --seeds "$BORDER_SEEDS" \
        --steps "$BORDER_STEPS" --output "$OUTPUT/borders" --workers "$SIMULATORS" --device "$DEVICE"
fi

echo "== 5. context network"
model=$OUTPUT/context/model/$MODEL_ID
if [ ! -d "$model" ]; then
    within_time "$PYTHON" -m cacnet.training.context --model "$with_borders" --seeds "$CONTEXT_SEEDS" \
        --steps "$CONTEXT_STEPS" --output "$OUTPUT/context" --workers "$SIMULATORS" --device "$DEVICE"
fi

echo "== 6. wall network"
with_walls=$OUTPUT/walls/model/$MODEL_ID
if [ ! -d "$with_walls" ]; then
    within_time "$PYTHON" -m cacnet.training.walls --model "$model" --seeds "$WALL_SEEDS" \
        --steps "$WALL_STEPS" --output "$OUTPUT/walls" --workers "$SIMULATORS" --device "$DEVICE"
fi

echo "== 7. evaluation on patients that none of them has seen"
if [ -n "$HELD_OUT" ]; then
    within_time "$PYTHON" -m cacnet evaluate "$with_walls" "$HELD_OUT" --output "$OUTPUT/evaluation" --device "$DEVICE"
fi
echo "all done: $with_walls"
