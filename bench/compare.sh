#!/usr/bin/env bash
# Compares the cost of a request with wrk's, in one run: the generator pinned to core 0, nginx to core 1, 64 connections, no
# waits. Prints a Markdown table: requests per second and CPU microseconds per request of the generator, each round and the
# median. Needs nginx, wrk and GNU time; loopback only, bounded by its rounds of 8 s.
#
#   cargo build --release && bench/compare.sh [ROUNDS]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rounds=${1:-3}
coordinator=${COORDINATOR:-$here/../target/release/coordinator}
for tool in nginx wrk taskset /usr/bin/time; do
  command -v "$tool" >/dev/null || { echo "bench: $tool is not installed" >&2; exit 1; }
done
[ -x "$coordinator" ] || { echo "bench: build first: cargo build --release" >&2; exit 1; }

work=$(mktemp -d)
taskset -c 1 nginx -c "$here/nginx.conf" &
nginx=$!
trap 'kill "$nginx" 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/18080) 2>/dev/null && break || sleep 0.1; done

# name, requests, seconds, user + sys seconds
row() { awk -v n="$1" -v r="$2" -v s="$3" -v c="$4" 'BEGIN { printf "%s %.0f %.2f\n", n, r / s, c / r * 1e6 }' >>"$work/rows"; }
cpu() { awk 'END { print $1 + $2 }' "$work/time"; }

for round in $(seq "$rounds"); do
  /usr/bin/time -o "$work/time" -f "%U %S" taskset -c 0 wrk -t1 -c64 -d8s http://127.0.0.1:18080/ >"$work/wrk"
  row wrk "$(awk '/requests in/ { print $1 }' "$work/wrk")" 8 "$(cpu)"
  /usr/bin/time -o "$work/time" -f "%U %S" taskset -c 0 env XDG_STATE_HOME="$work" "$coordinator" "$here/hello.yaml" \
    --headless --threads 1 >"$work/stampede" 2>/dev/null
  row stampede "$(awk '/^requests/ { for (i = 1; i < NF; i++) if ($i == "ok") print $(i + 1) }' "$work/stampede")" 8 "$(cpu)"
  echo "round $round of $rounds done" >&2
done

echo "| generator | requests/s, each round | median | CPU µs/request, each round | median |"
echo "|---|---|---:|---|---:|"
for name in wrk stampede; do
  column() { awk -v n="$name" -v c="$1" '$1 == n { print $c }' "$work/rows"; }
  median() { column "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
  echo "| $name | $(column 2 | paste -sd' ') | $(median 2) | $(column 3 | paste -sd' ') | $(median 3) |"
done
