#!/usr/bin/env bash
# Instructions that each piece of work of the micro-benchmarks takes, counted by valgrind: a figure that does not depend on what
# else the machine does, and that changes only when the code or the compiler does. Prints a Markdown table.
#
#   bench/instructions.sh [NAME…]      without names: all of them; PROFILE: another profile than `bench`
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
command -v valgrind >/dev/null || { echo "bench: valgrind is not installed (apt-get install valgrind)" >&2; exit 1; }

build=$(cd "$root" && cargo bench --quiet -p stampede-bench --bench micro --profile "${PROFILE:-bench}" --no-run \
  --message-format=json)
program=$(grep -o '"executable":"[^"]*/micro-[^"]*"' <<<"$build" | tail -1 | cut -d'"' -f4)
[ -x "$program" ] || { echo "bench: the benchmarks were not built" >&2; exit 1; }

# Instructions of a whole run with so many repetitions.
counted() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" --exactly "$1" "$2" 2>&1 |
    awk '/Collected *:/ { print $NF }'
}

mapfile -t known < <("$program" --list)
names=("$@")
[ ${#names[@]} -gt 0 ] || names=("${known[@]}")
for name in "${names[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] || { echo "bench: there is no \`$name\`; there are: ${known[*]}" >&2; exit 2; }
done
echo "| piece of work | instructions |"
echo "|---|---:|"
for name in "${names[@]}"; do
  # The difference of two runs: starting, setting up and ending cancel out.
  few=$(counted "$name" 200)
  many=$(counted "$name" 600)
  awk -v n="$name" -v d=$((many - few)) 'BEGIN { printf "| %s | %.0f |\n", n, d / 400 }'
done
