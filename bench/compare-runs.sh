#!/usr/bin/env bash
# How often does `coordinator compare` find a difference between two runs of the same thing, and how often one of 10 %? Runs the
# built-in demo target with response times of 18 to 42 ms, drawn anew for each request, and compares each run with the one
# before; then each with one that is a tenth slower. Loopback only; 2 × PAIRS + 1 runs of RUN_SECONDS.
#
#   cargo build --release && bench/compare-runs.sh
#
# Settings: PAIRS (20), RUN_SECONDS (20), RUN_USERS (20), COORDINATOR (target/release/coordinator).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pairs=${PAIRS:-20} seconds=${RUN_SECONDS:-20} users=${RUN_USERS:-20}
coordinator=${COORDINATOR:-$here/../target/release/coordinator}
[ -x "$coordinator" ] || { echo "build first: cargo build --release" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work

cat > "$work/delays.yaml" <<'YAML'
vars: {slower: 1}
users:
  visitor:
    tasks:
      wait_for_it:
        steps:
          - get: "/delay/${(random.int(18, 42) * slower) | int}"
            name: /delay
YAML

# run NAME SLOWER: one run, kept as NAME.json.
run() {
  "$coordinator" "$work/delays.yaml" --demo -u "$users" -r "$users" -t "${seconds}s" -e "slower=$2" --headless \
    --bind 127.0.0.1:0 --report "$work/$1.json" > /dev/null 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
}

# verdict BASE NEW: the first words of the comparison.
verdict() {
  { "$coordinator" compare "$work/$1.json" "$work/$2.json" || true; } | head -1 | tee -a "$work/verdicts" | sed 's/[:.].*//'
}

run 0 1
for n in $(seq "$pairs"); do
  run "$n" 1
  run "slow$n" 1.1
  printf '%s | same: %s | a tenth slower: %s\n' "$n" "$(verdict $((n - 1)) "$n")" "$(verdict "$n" "slow$n")" | tee -a "$work/lines"
done
echo
printf 'of the same thing: '; cut -d'|' -f2 "$work/lines" | sort | uniq -c | tr '\n' ';'
printf '\na tenth slower:    '; cut -d'|' -f3 "$work/lines" | sort | uniq -c | tr '\n' ';'
echo
