#!/usr/bin/env bash
# The same load by another tool and by `coordinator --summary TOOL`, in turns, on the same target; prints a table for each tool
# with both columns. The target answers after a fixed 5 ms, so that neither side is at the limit of a core; for siege, whose clock
# has steps of 10 ms, after 50 ms.
#
#   bench/summaries.sh [TOOL…]      without tools: all of siege ab wrk vegeta autocannon that are installed
#   ROUNDS (3), SECONDS_EACH (10), TARGET_CORE (1), GENERATOR_CORE (0), PORT (18090), COORDINATOR, DEMO_TARGET; SIEGE, AB, WRK,
#   VEGETA, AUTOCANNON: where the tools are; VEGETA_RUN: a command that attacks and reports in one
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-10} port=${PORT:-18090}
target_core=${TARGET_CORE:-1} generator_core=${GENERATOR_CORE:-0}
users=20 requests=20000 rate=500
base=http://127.0.0.1:$port/delay
work=$(mktemp -d)

say() { echo "bench: $*" >&2; }

coordinator=${COORDINATOR:-$here/../target/release/coordinator} demo=${DEMO_TARGET:-$here/../target/release/demo-target}
for program in "$coordinator" "$demo"; do
  [ -x "$program" ] || { say "build first: cargo build --release -p stampede-coordinator -p demo-target"; exit 1; }
done

taskset -c "$target_core" "$demo" --bind "127.0.0.1:$port" >"$work/target.log" 2>&1 &
target=$!
trap 'kill "$target" 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 50); do
  curl -fs -o "$work/ready" "$base/0" && break
  kill -0 "$target" 2>/dev/null || { cat "$work/target.log" >&2; exit 1; }
  sleep 0.1
done

# As siege comes, but with connections that are kept, one page a hit, and its end in text.
cat >"$work/siegerc" <<'RC'
verbose = false
color = off
json_output = false
logging = false
parser = false
protocol = HTTP/1.1
connection = keep-alive
limit = 255
timeout = 30
benchmark = true
RC

on_core() { taskset -c "$generator_core" timeout $((seconds + 60)) "$@"; }

# The tool's own end.
theirs() {
  case $1 in
    siege) on_core "${SIEGE:-siege}" -R "$work/siegerc" -b -c "$users" -t "${seconds}S" "$url" ;;
    ab) on_core "${AB:-ab}" -q -k -n "$requests" -c "$users" "$url" ;;
    wrk) on_core "${WRK:-wrk}" --latency -t 1 -c "$users" -d "$seconds" "$url" ;;
    # Of a shell pipe, which `vegeta attack` and `vegeta report` want.
    vegeta) on_core bash -c "${VEGETA_RUN:-echo GET $url | ${VEGETA:-vegeta} attack -rate $rate -duration ${seconds}s | ${VEGETA:-vegeta} report}" ;;
    autocannon) NO_COLOR=1 on_core "${AUTOCANNON:-autocannon}" -c "$users" -d "$seconds" "$url" ;;
  esac >"$work/theirs" 2>&1 || true
}

# The same load here.
ours() {
  local load
  case $1 in
    ab) load=(-u "$users" -r 1000 -i "$requests") ;;
    vegeta) load=(--rate "$rate/s" -t "${seconds}s") ;;
    *) load=(-u "$users" -r 1000 -t "${seconds}s") ;;
  esac
  XDG_STATE_HOME=$work on_core "$coordinator" "$url" --headless --threads 1 "${load[@]}" --summary "$1" >"$work/ours" 2>"$work/err" ||
    { say "$1: the run failed:"; cat "$work/err" >&2; }
}

# Lines of a summary as `name<TAB>value`. The layout is the same, so is the way they are taken apart.
lines_of() {
  awk -v tool="$1" '
    /^Notes:/ { exit }
    { gsub(/\r/, ""); line = $0; sub(/^[ \t]+/, "", line) }
    tool == "vegeta" && match(line, /\]/) { put(substr(line, 1, RSTART), substr(line, RSTART + 1)); next }
    tool == "autocannon" && /│ (Latency|Req\/Sec|Bytes\/Sec)/ {
      gsub(/│/, ""); sub(/^ +/, ""); name = $1; $1 = ""; gsub(/ms|kB|MB/, "& "); put(name, $0); next
    }
    tool == "autocannon" && /requests in/ { put("requests in", line); next }
    tool == "wrk" && /^ +(Latency|Req\/Sec) +[0-9]/ { name = $1; $1 = ""; put(name, $0); next }
    tool == "wrk" && /requests in/ { put("requests in", line); next }
    /^ *[0-9]+% / { name = $1; $1 = ""; put(name, $0); next }
    (tool == "ab" || tool == "siege" || tool == "wrk") && match(line, /: */) { put(substr(line, 1, RSTART - 1), substr(line, RSTART + 1)) }
    function put(name, value) {
      gsub(/[ \t]+/, " ", value); sub(/^ /, "", value); sub(/ $/, "", value); gsub(/[ \t]+/, " ", name)
      if (name in seen) name = name " (" ++seen[name] ")"; else seen[name] = 1
      printf "%s\t%s\n", name, value
    }' "$2"
}

have() {
  local upper=${1^^}
  [ "$1" != vegeta ] || [ -z "${VEGETA_RUN:-}" ] || return 0
  command -v "${!upper:-$1}" >/dev/null
}

tools=("$@")
[ ${#tools[@]} -gt 0 ] || tools=(siege ab wrk vegeta autocannon)
for tool in "${tools[@]}"; do
  url=$base/5
  [ "$tool" != siege ] || url=$base/50
  have "$tool" || { say "$tool is not installed"; continue; }
  rm -f "$work"/theirs.tsv "$work"/ours.tsv
  for round in $(seq "$rounds"); do
    say "$tool, round $round of $rounds (load $(cut -d' ' -f1 /proc/loadavg))"
    theirs "$tool"
    lines_of "$tool" "$work/theirs" >>"$work/theirs.tsv"
    ours "$tool"
    lines_of "$tool" "$work/ours" >>"$work/ours.tsv"
  done
  printf '\n| %s | %s, each round | Stampede, each round |\n|---|---|---|\n' "line" "$tool"
  awk -F'\t' '
    FNR == NR { if (!($1 in theirs)) order[++count] = $1; theirs[$1] = theirs[$1] (theirs[$1] == "" ? "" : " · ") $2; next }
    { ours[$1] = ours[$1] (ours[$1] == "" ? "" : " · ") $2 }
    END { for (i = 1; i <= count; i++) if (order[i] in ours) printf "| %s | %s | %s |\n", order[i], theirs[order[i]], ours[order[i]] }
  ' "$work/theirs.tsv" "$work/ours.tsv"
done
