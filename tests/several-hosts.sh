#!/usr/bin/env bash
# Several hosts on one machine: coordinator, three workers and the target, each in a network namespace with addresses of its
# own, and links between them that are cut, delayed and healed while a test runs. Afterwards the coordinator's report is
# compared with what the target counted.
#
#   tests/several-hosts.sh [HISTORY…]     plain delay short-cut long-cut cut-at-the-end for-good killed   (default: all)
#
# Each worker has two lines: one to the coordinator (198.18.0.0/24), one to the target (198.19.0.0/24). So the first can be cut
# while the second carries load, which is what leases are for. Needs `ip` and the right to make namespaces; where that is
# missing it says "skipped" and ends with 0. Delays need the kernel's netem; without it that history is skipped.
#
# BIN: the folder of coordinator, worker and demo-target (default: target/debug, built by `cargo build --workspace`).
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/target/debug}
prefix=stampede-$$
lease=2
users=30
coordinator_ip=198.18.0.1
target_ip=198.19.0.1
target=$target_ip:8080
export STAMPEDE_TOKEN=several-hosts-$$-$RANDOM$RANDOM
unset CI

say() { echo "several-hosts: $*" >&2; }
skipped() { echo "several-hosts: skipped: $*"; exit 0; }

pids=()
namespaces=()
work=
cleanup() {
  local pid name
  for pid in ${pids[@]+"${pids[@]}"}; do kill -KILL "$pid" 2>/dev/null || true; done
  # Links go with their namespaces.
  for name in ${namespaces[@]+"${namespaces[@]}"}; do ip netns del "$name" 2>/dev/null || true; done
  [ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- the hosts and their links

namespace() { ip netns add "$prefix-$1" && namespaces+=("$prefix-$1") && ip -n "$prefix-$1" link set lo up; }

# A line from host $1 (its end called $2, with address $3) to the switch $4.
line() {
  local port=to-$1
  ip -n "$prefix-$4" link add "$port" type veth peer name "$2" netns "$prefix-$1"
  ip -n "$prefix-$4" link set "$port" master br0 up
  ip -n "$prefix-$1" addr add "$3/24" dev "$2"
  ip -n "$prefix-$1" link set "$2" up
}

build_network() {
  local switch n
  namespace fleet && namespace load || return 1
  for switch in fleet load; do
    ip -n "$prefix-$switch" link add br0 type bridge && ip -n "$prefix-$switch" link set br0 up || return 1
  done
  namespace coordinator && line coordinator fleet0 "$coordinator_ip" fleet || return 1
  namespace target && line target load0 "$target_ip" load || return 1
  for n in 1 2 3; do
    namespace "w$n" && line "w$n" fleet0 "198.18.0.1$n" fleet && line "w$n" load0 "198.19.0.1$n" load || return 1
  done
}

# What leaves either end is lost without a word, as with a cable that was pulled behind the next switch.
cut() { ip -n "$prefix-fleet" link set "to-$1" down; say "  the line of $1 to the coordinator is cut"; }
heal() { ip -n "$prefix-fleet" link set "to-$1" up; say "  the line of $1 is healed"; }
delay() { ip netns exec "$prefix-$1" tc qdisc replace dev fleet0 root netem delay "$2" "$3" 2>/dev/null; }
no_delay() { ip netns exec "$prefix-$1" tc qdisc del dev fleet0 root; }

# --- programs

# Starts a program in a namespace; its number goes to `started`.
start() {
  local host=$1 log=$2
  shift 2
  ip netns exec "$prefix-$host" env XDG_STATE_HOME="$work" "$@" >"$work/$log.out" 2>"$work/$log.err" </dev/null &
  started=$!
  pids+=("$started")
  # Only the coordinator is waited for; of the others it is of no interest how they end.
  [ "$host" = coordinator ] || disown "$started"
}

# GET $1 at the target, the body to stdout.
ask_target() {
  ip netns exec "$prefix-target" bash -c '
    exec 3<>"/dev/tcp/$0/8080"
    printf "%s %s HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n" "$1" "$2" >&3
    sed "1,/^\r$/d" <&3' "$target_ip" "$1" "$2" 2>/dev/null
}

# Requests the target saw.
seen() { ask_target GET /__counts | grep -o '"requests":{[^}]*}' | grep -oE ':[0-9]+' | awk -F: '{ sum += $2 } END { print sum + 0 }'; }

until_true() {
  local what=$1
  shift
  for _ in $(seq 300); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  failed "this never came: $what"
}

# A new one for each test: its counts and its log are that test's.
start_target() {
  [ -z "$target_pid" ] || { kill -KILL "$target_pid"; until_true "the end of the last target" has_ended "$target_pid"; }
  start target target "$bin/demo-target" --bind "$target" --threads 1 --log-requests
  target_pid=$started
  until_true "the target" answers
}

has_ended() { ! kill -0 "$1" 2>/dev/null; }
answers() { ask_target GET /__counts | grep -q requests; }
has_begun() { [ "$(seen)" -gt 0 ]; }
said() { grep -q "$1" "$work/coordinator.err"; }

# --- a run and its report

# Starts a test of $1 seconds with three workers, and returns when it is under way.
begin() {
  start_target
  rm -f "$work/report.json"
  start coordinator coordinator "$bin/coordinator" "$work/scenario.yaml" --headless --bind "$coordinator_ip:5557" \
    --expect-workers 3 --lease "${lease}s" -u "$users" -r "$users" -t "$1s" --stop-timeout 2s --report "$work/report.json"
  coordinator=$started
  local n
  for n in 1 2 3; do
    start "w$n" "w$n" "$bin/worker" --connect "$coordinator_ip:5557" --name "w$n" --threads 1 --once
    workers[n]=$started
  done
  until_true "the first request" has_begun
}

# Waits for the end of the test, which has to come with this code.
ends_with() {
  local code=0 n
  wait "$coordinator" || code=$?
  [ "$code" = "$1" ] || failed "the coordinator ended with $code and not $1"
  [ -f "$work/report.json" ] || failed "there is no report"
  # A worker whose line is healed only now is told that the test is over, or finds no coordinator any more.
  for n in 1 2 3; do kill -KILL "${workers[n]}" 2>/dev/null || true; done
}

# The number that stands under this key in the report's accounting.
counted() {
  awk -F'": *|,$' -v key="\"$1" '/^ *"accounting"/ { within = 1 } within { sub(/^ */, "") }
    within && $1 == key && $2 ~ /^[0-9]/ { print $2; exit }' "$work/report.json"
}

adds_up() {
  local sum
  sum=$(($(counted ok) + $(counted failed) + $(counted cancelled) + $(counted unknown)))
  [ "$(counted started)" = "$sum" ] || failed "started is $(counted started), its outcomes are $sum"
}

# The report has every request that the target saw.
is_whole() {
  adds_up
  local at_target
  at_target=$(seen)
  [ "$(counted sent)" = "$at_target" ] || failed "the report has $(counted sent) requests, the target saw $at_target"
  [ "$(counted unknown)" = 0 ] || failed "$(counted unknown) requests are unknown"
  grep -q '"missing_intervals": \[\]' "$work/report.json" || failed "seconds are missing"
  say "  $at_target requests at the target and in the report"
}

# How many users had more than one life; and no life made a request after the first of the next one.
moved_users() {
  ask_target GET /__log | grep -oE '"x-(life|user)":"[0-9]+"' | paste - - | awk '
    { life = user = $0
      sub(/.*"x-life":"/, "", life); sub(/".*/, "", life); sub(/.*"x-user":"/, "", user); sub(/".*/, "", user)
      if (!(user in newest)) newest[user] = life + 0
      else if (life + 0 > newest[user]) { newest[user] = life + 0; moved[user] = 1 }
      else if (life + 0 < newest[user]) old++ }
    END { for (user in moved) users++; print users + 0, old + 0 }'
}

nobody_moved() { [ "$(moved_users)" = "0 0" ] || failed "users moved, or lived twice: $(moved_users)"; }

some_moved() {
  local users old
  read -r users old <<<"$(moved_users)"
  [ "$users" -gt 0 ] || failed "nobody took the users over"
  [ "$old" = 0 ] || failed "$old requests of users whose next life had begun elsewhere"
  say "  $users users started again elsewhere, and no user lived twice"
}

names_missing() {
  adds_up
  local at_target
  at_target=$(seen)
  [ "$at_target" -ge "$(counted sent)" ] || failed "the report has more than the $at_target requests that the target saw"
  awk '/"missing_intervals"/ { within = 1 } within' "$work/report.json" | grep -q "\"worker\": \"$1\"" || failed "$1 is not named"
  say "  $at_target requests at the target, $(counted sent) in the report; $1 and its seconds are named"
}

failed() {
  say "FAILED: $*"
  local log
  for log in coordinator w1 w2 w3; do
    say "--- $log:"
    tail -n 20 "$work/$log.err" >&2 || true
  done
  exit 1
}

# --- histories

history_plain() { begin 4; ends_with 0; is_whole; nobody_moved; }

history_delay() {
  if ! delay w2 120ms 30ms; then
    say "  skipped: this kernel or machine has no tc netem"
    return
  fi
  begin 5
  ends_with 0
  no_delay w2
  is_whole
  nobody_moved
}

# Shorter than the lease: nobody notices.
history_short_cut() { begin 8; sleep 2; cut w1; sleep 1; heal w1; ends_with 0; is_whole; nobody_moved; }

# Longer than lease and margin: the users go on elsewhere; the worker comes back and delivers what it had measured.
history_long_cut() {
  begin 16
  sleep 2
  cut w2
  until_true "the loss of w2" said "worker w2 is lost"
  sleep 1
  heal w2
  ends_with 0
  is_whole
  some_moved
}

# The test ends meanwhile: its results are waited for.
history_cut_at_the_end() { begin 6; sleep 5; cut w3; sleep 1.2; heal w3; ends_with 0; is_whole; nobody_moved; }

history_for_good() { begin 9; sleep 3; cut w3; ends_with 13; names_missing w3; heal w3; }

history_killed() { begin 9; sleep 3; kill -KILL "${workers[1]}"; say "  w1 is killed"; ends_with 13; names_missing w1; some_moved; }

# --- all of it

[ "$(uname)" = Linux ] || skipped "network namespaces are Linux's"
command -v ip >/dev/null || skipped "there is no \`ip\` (package iproute2)"
for program in coordinator worker demo-target; do
  [ -x "$bin/$program" ] || { say "$bin/$program is not there: run \`cargo build --workspace\`, or set BIN"; exit 2; }
done
work=$(mktemp -d)
build_network 2>"$work/network" || skipped "no network namespaces here: $(head -n 1 "$work/network")"

cat >"$work/scenario.yaml" <<YAML
target: http://$target
users:
  visitor:
    wait: 50ms
    tasks:
      main:
        steps: [{get: /, headers: {x-user: "\${user.id}", x-life: "\${user.life}"}}]
YAML

started=
coordinator=
target_pid=
workers=()

[ $# -gt 0 ] || set -- plain delay short-cut long-cut cut-at-the-end for-good killed
for history in "$@"; do
  declare -F "history_${history//-/_}" >/dev/null || { say "no history is called $history"; exit 2; }
  say "$history"
  "history_${history//-/_}"
done
say "all histories hold"
