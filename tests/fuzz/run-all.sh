#!/usr/bin/env bash
# Runs every fuzz target for a minute from the seeds in corpus/, and keeps what it finds in FOLDER.
#   run-all.sh FOLDER [SECONDS]
set -euo pipefail
folder=${1:?usage: run-all.sh FOLDER [SECONDS]}
seconds=${2:-60}
cd "$(dirname "$0")"
# The sanitizers are unstable options; the compiler is the stable one.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_FUZZ_TARGET_DIR:-$folder/target}"
cargo fuzz build --fuzz-dir .
for target in $(cargo fuzz list --fuzz-dir .); do
    echo "$target"
    mkdir -p "$folder/$target"
    cargo fuzz run --fuzz-dir . "$target" "$folder/$target" "corpus/$target" -- \
        -max_total_time="$seconds" -print_final_stats=0 -verbosity=0 < /dev/null
done
