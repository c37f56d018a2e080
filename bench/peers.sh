# One measurement by another load generator: 64 connections or users, no wait, for $seconds. Each leaves its CPU and RSS like
# `timed` and prints how many requests it completed. Sourced by bench/compare.sh.

plain=http://127.0.0.1:18080/
secure=https://127.0.0.1:18443/

wrk_plain() {
  timed wrk -t1 -c64 -d"${seconds}s" "${1:-$plain}"
  awk '/requests in/ { print $1 }' "$work/out"
}

ab_plain() {
  # -t sets a number of requests of its own; -n behind it takes that back.
  timed ab -q -k -c 64 -t "$seconds" -n 100000000 "$plain"
  awk '/Complete requests:/ { print $3 }' "$work/out"
}

oha_plain() {
  timed oha --no-tui -c 64 -z "${seconds}s" --output-format json "$@" "${url:-$plain}"
  awk -F'[:,]' '/"[0-9][0-9][0-9]":/ { gsub(/ /, "", $2); n += $2 } END { print n }' "$work/out"
}

hey_plain() {
  # Without one processor told so, its scheduler fights for the core.
  GOMAXPROCS=1 timed hey -z "${seconds}s" -c 64 "$plain"
  awk '/^ *\[[0-9]+\].*responses/ { n += $2 } END { print n }' "$work/out"
}

siege_plain() {
  timed env HOME="$work" siege -q -b -c64 -t"${seconds}S" -j "$plain"
  awk -F'[:,]' '/"transactions"/ { gsub(/[ \t]/, "", $2); print $2 }' "$work/out"
}

autocannon_plain() {
  timed autocannon -c 64 -d "$seconds" -j "$plain"
  grep -o '"2xx":[0-9]*' "$work/out" | head -1 | cut -d: -f2
}

vegeta_plain() {
  GOMAXPROCS=1 timed sh -c "echo GET $plain | vegeta attack -rate=0 -max-workers=64 -duration=${seconds}s -output='$work/vegeta.bin'"
  vegeta report -type=json "$work/vegeta.bin" | grep -o '"requests":[0-9]*' | cut -d: -f2
}

h2load_h2() {
  timed h2load -t1 -c64 -m1 -D"$seconds" "$secure"
  awk '/^requests:/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^succeeded/) print $i }' "$work/out"
}

# $1: get, mix or steps
k6_run() {
  GOMAXPROCS=1 timed env RUN_SECONDS="$seconds" SCENARIO="$1" k6 run --quiet --no-usage-report \
    --summary-export "$work/k6.json" "$here/peers/k6.js"
  k6_count http_reqs
}

k6_count() {
  [ -f "$work/k6.json" ] || return 0
  awk -v key="\"$1\":" '$0 ~ key { on = 1 } on && /"count"/ { gsub(/[^0-9]/, ""); print; exit }' "$work/k6.json"
}

locust_run() {
  rm -f "$work"/locust_*.csv
  timed env SCENARIO="$1" locust -f "$here/peers/locustfile.py" --headless --only-summary -u 64 -r 64 -t "${seconds}s" \
    --csv "$work/locust"
  awk -F, '$2 == "Aggregated" { print $3 }' "$work/locust_stats.csv" 2>/dev/null || true
}

# Built from bench/peers/goose, see there.
goose=${GOOSE:-$here/../target/peers/release/goose-mix}
goose_mix() {
  timed "$goose" --host "${plain%/}" -u 64 -r 64 -t "${seconds}s" --no-telnet --no-websocket --no-status-codes
  awk -F'|' '/Aggregated/ { gsub(/[ ,]/, "", $2); print $2; exit }' "$work/out"
}
