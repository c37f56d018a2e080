#!/usr/bin/env bash
# Compares this load generator with whatever others are installed, in one run and in turn: the generator pinned to one core,
# nginx to another, 64 connections or users without waits. Prints Markdown: requests per second, CPU (user + system of the whole
# process, its start included) and memory of each, and the ratio to wrk in the same round. Loopback only, bounded by its rounds.
#
#   cargo build --release && bench/compare.sh [SECTION…]
#
# Sections, all of them by default:
#   get     one page                          tls, h2  the same over TLS, and over HTTP/2
#   mix     two endpoints, 20 to 80           open     arrivals at a rate: 1500/s and 20000/s
#   steps   a cookie, an extracted value,     ui       with the terminal UI on and without
#           a JSON body with it               users    15 000 waiting users: memory
#
# Settings: ROUNDS (3), ROUND_SECONDS (8), OPEN_SECONDS (30), RATES ("1500 20000"), USERS (15000), GENERATOR_CORE (0),
# TARGET_CORE (1), COORDINATOR (target/release/coordinator). Needs nginx, openssl, taskset and GNU time; a peer that is not
# there is left out: wrk, ab, oha, hey, siege, autocannon, vegeta, k6, locust, h2load.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rounds=${ROUNDS:-3} round_seconds=${ROUND_SECONDS:-8} open_seconds=${OPEN_SECONDS:-30} users=${USERS:-15000}
generator_core=${GENERATOR_CORE:-0} target_core=${TARGET_CORE:-1}
coordinator=${COORDINATOR:-$here/../target/release/coordinator}
seconds=$round_seconds
# shellcheck source=bench/lib.sh
. "$here/lib.sh"
# shellcheck source=bench/peers.sh
. "$here/peers.sh"
# shellcheck source=bench/sections.sh
. "$here/sections.sh"

all=(get mix steps tls h2 open ui users)
sections=("$@")
[ ${#sections[@]} -gt 0 ] || sections=("${all[@]}")
for section in "${sections[@]}"; do
  [[ " ${all[*]} " == *" $section "* ]] || { say "there is no section \`$section\`; there are: ${all[*]}"; exit 2; }
done
for tool in nginx openssl taskset /usr/bin/time awk; do
  have "$tool" || { say "$tool is not installed"; exit 1; }
done
[ -x "$coordinator" ] || { say "build first: cargo build --release"; exit 1; }

work=$(mktemp -d)
trap 'stop_target; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
start_target

echo "$(date +%F), $(nproc) cores of $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), Linux $(uname -r)," \
  "$("$coordinator" --version); $rounds rounds of $round_seconds s."
for section in "${sections[@]}"; do
  echo
  "section_$section"
done
