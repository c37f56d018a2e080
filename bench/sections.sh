# The sections of bench/compare.sh, each a function that measures and prints. Sourced.

# Measures each generator once a round, in turn: NAME=FUNCTION ARGUMENTS… for each; one whose program is missing is left out.
in_turn() {
  local section=$1 round entry name call program requests
  shift
  for round in $(seq "$rounds"); do
    for entry in "$@"; do
      name=${entry%%=*} call=${entry#*=}
      program=${name%% *}
      if [ "$program" != stampede ] && ! have "$program"; then
        [ "$round" = 1 ] && say "$section: $program is not installed; left out"
        continue
      fi
      # shellcheck disable=SC2086  # the words of a call are meant to be split
      requests=$($call)
      book "$section" "$round" "${name##*/}" "$requests"
    done
    say "$section: round $round of $rounds done"
  done
  table "$section"
}

# Requests that this program completed as expected. A failure would make the figures those of something else.
stampede_ok() {
  stampede "$@"
  expect_no_failures "$*"
  reported ok
}

expect_no_failures() {
  local failures
  failures=$(reported failures)
  [ "${failures:-0}" = 0 ] || say "$1: $failures requests failed"
}

section_get() {
  echo "**One page**: \`GET /\`, 12 bytes."
  in_turn get wrk=wrk_plain stampede="stampede_ok get" ab=ab_plain oha=oha_plain hey=hey_plain siege=siege_plain \
    autocannon=autocannon_plain vegeta=vegeta_plain k6="k6_run get" locust="locust_run get"
}

section_mix() {
  echo "**Two endpoints**: 20 % \`GET /\`, 80 % \`POST /predict\` with 72 bytes of JSON, status checked; wrk: one page."
  in_turn mix wrk=wrk_plain stampede="stampede_ok mix" "$goose=goose_mix" \
    k6="k6_run mix" locust="locust_run mix"
}

section_steps() {
  echo "**Three steps**: a cookie set and sent, a value extracted from JSON and sent in a JSON body; wrk: one page."
  in_turn steps wrk=wrk_plain stampede="stampede_ok steps" k6="k6_run steps" locust="locust_run steps"
}

section_tls() {
  echo "**TLS**: \`GET /\` over HTTPS and HTTP/1.1; wrk once over plain TCP, the measure of the ratio, once over TLS."
  in_turn tls wrk=wrk_plain "wrk (TLS)=wrk_plain $secure" stampede="stampede_ok tls"
}

section_h2() {
  echo "**HTTP/2**: \`GET /\` over TLS, one stream a connection; wrk: HTTP/1.1 over plain TCP."
  in_turn h2 wrk=wrk_plain stampede="stampede_ok h2" "h2load=h2load_h2"
}

section_open() {
  local rate round
  echo "**Arrivals at a rate** for $open_seconds s: planned and begun arrivals, how late they were begun, response times."
  echo
  echo "| generator | asked/s | planned | begun | dropped | lateness p99 ms | median ms | p99 ms | CPU µs/request |"
  echo "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
  seconds=$open_seconds
  for rate in ${RATES:-1500 20000}; do
    for round in $(seq "${OPEN_ROUNDS:-1}"); do
      stampede get --rate "$rate/s"
      open_row stampede "$rate" "$(reported planned)" "$(reported begun)" "$(reported dropped)" \
        "$(reported lateness_ms_p99)" "$(reported median_ms)" "$(reported 99)" "$(reported ok)"
      say "open: stampede at $rate/s, round $round done"
    done
    if have k6; then
      RATE=$rate k6_run get >/dev/null
      open_row k6 "$rate" - "$(k6_count iterations)" "$(k6_count dropped_iterations)" - \
        "$(k6_time med)" "$(k6_time 'p(99)')" "$(k6_count http_reqs)"
      say "open: k6 at $rate/s done"
    fi
  done
  seconds=$round_seconds
}

open_row() {
  local name=$1 rate=$2 requests=$9
  tail -n 1 "$work/time" | awk -v name="$name" -v rate="$rate" -v planned="${3:--}" -v begun="${4:--}" -v dropped="${5:-0}" \
    -v late="${6:--}" -v med="${7:--}" -v p99="${8:--}" -v n="${requests:-0}" \
    '{ printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", name, rate, planned, begun, dropped, late, med, p99, n ? sprintf("%.2f", ($1 + $2) / n * 1e6) : "-" }'
}

k6_time() {
  awk -v key="\"$1\":" '/"http_req_duration":/ { on = 1 } on && index($0, key) { gsub(/[^0-9.]/, "", $2); printf "%.3f", $2; exit }' \
    "$work/k6.json" 2>/dev/null || true
}

section_ui() {
  have script || { say "ui: script (util-linux) is not installed; left out"; return; }
  echo "**Terminal UI**: \`GET /\`, all of the program on one core, on a terminal of 140 × 40, and headless."
  in_turn ui wrk=wrk_plain "stampede headless=stampede_ok get" "stampede on a terminal=stampede_on_terminal"
}

# With its screen: `script` gives it a terminal, whose output goes nowhere.
stampede_on_terminal() {
  rm -f "$work/report.json" "$work/time"
  cat >"$work/ui.sh" <<RUN
stty rows 40 cols 140
unset CI
export XDG_STATE_HOME='$work' TERM=xterm-256color
exec taskset -c $generator_core /usr/bin/time -o '$work/time' -f '%U %S %M %e' \
  '$coordinator' '$here/scenarios/get.yaml' --threads 1 -t ${seconds}s --report '$work/report.json'
RUN
  # Its own side of the terminal is read on the other core: what is shown is the program's cost, who looks at it is not.
  timeout "$((seconds + 60))" taskset -c "$target_core" script -qefc "sh '$work/ui.sh'" /dev/null \
    </dev/null >"$work/out" 2>"$work/err" || true
  expect_no_failures "on a terminal"
  reported ok
}

section_users() {
  local kind one many begun
  echo "**$users waiting users**, each with its connection, 30 to 60 s between requests, started at 1000/s: memory."
  echo
  echo "| connection | users at the peak | connections | failures | RSS MB | KB a user | lag p99 ms |"
  echo "|---|---:|---:|---:|---:|---:|---:|"
  # Long enough for all of them to have come, and to have made their first request.
  seconds=$((users / 1000 + 5))
  for kind in waiting waiting-tls; do
    stampede "$kind" -u 1
    one=$(rss)
    stampede "$kind" -u "$users"
    many=$(rss)
    awk -v kind="${kind#waiting}" -v peak="$(reported peak)" -v connections="$(reported connections)" \
      -v failures="$(reported failures)" -v lag="$(reported lag_ms_p99)" -v one="$one" -v many="$many" -v users="$users" \
      'BEGIN { printf "| %s | %s | %s | %s | %.1f | %.2f | %s |\n", kind == "" ? "plain" : "TLS", peak, connections, failures, many / 1024, (many - one) / (users - 1), lag }'
    say "users: $kind done"
  done
  seconds=$round_seconds
}

# Largest resident memory of the last measurement, in KB.
rss() { tail -n 1 "$work/time" | awk '{ print $3 }'; }
