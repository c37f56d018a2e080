# What every section of bench/compare.sh needs: the target, one measurement, one table. Sourced, not run.

# Set by compare.sh: here work coordinator seconds rounds generator_core target_core

say() { echo "bench: $*" >&2; }

have() { command -v "$1" >/dev/null; }

start_target() {
  mkdir -p "$work/tmp"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
  cp "$here/nginx.conf" "$work/"
  taskset -c "$target_core" nginx -p "$work" -c "$work/nginx.conf" 2>"$work/nginx.log" &
  target=$!
  for _ in $(seq 50); do
    (exec 3<>/dev/tcp/127.0.0.1/18080) 2>/dev/null && return
    kill -0 "$target" 2>/dev/null || break
    sleep 0.1
  done
  say "nginx does not start:"
  cat "$work/nginx.log" >&2
  exit 1
}

stop_target() { [ -z "${target:-}" ] || { kill "$target" 2>/dev/null && wait "$target" 2>/dev/null; } || true; }

# Runs a command on the generator's core; its stdout goes to $work/out, its user and system seconds and its RSS to $work/time.
timed() {
  # The program's own exit code is no matter here: one that failed has counted no requests.
  (ulimit -n "$(ulimit -Hn)"; exec timeout "$((seconds + ${grace:-60}))" \
    taskset -c "$generator_core" /usr/bin/time -o "$work/time" -f "%U %S %M %e" "$@") >"$work/out" 2>"$work/err" || true
}

# As `timed`, for this program with a scenario of bench/scenarios; the report goes to $work/report.json.
stampede() {
  local scenario=$1
  shift
  rm -f "$work/report.json"
  timed env XDG_STATE_HOME="$work" "$coordinator" "$here/scenarios/$scenario.yaml" --headless --threads 1 -t "${seconds}s" \
    --report "$work/report.json" "$@"
}

# The first number that stands under this key in the last report; nothing where there is none.
reported() {
  [ ! -f "$work/report.json" ] ||
    awk -F'": *|,$' -v key="\"$1" '{ sub(/^ */, "") } $1 == key && $2 ~ /^[0-9]/ { print $2; exit }' "$work/report.json"
}

# Books a measurement: section, round, name, requests, and what `timed` left behind.
book() {
  local section=$1 round=$2 name=$3 requests=$4
  if [ -z "$requests" ] || [ "$requests" = 0 ]; then
    say "$section: $name made no requests:"
    tail -n 3 "$work/err" "$work/out" >&2
    return
  fi
  tail -n 1 "$work/time" | awk -v s="$section" -v i="$round" -v n="$name" -v r="$requests" -v d="$seconds" \
    '{ printf "%s\t%s\t%s\t%.0f\t%.2f\t%.1f\n", s, i, n, r / d, ($1 + $2) / r * 1e6, $3 / 1024 }' >>"$work/rows"
}

# The table of a section: medians over the rounds; the ratio is that of CPU per request to wrk's in the same round.
table() {
  echo
  echo "| generator | requests/s | CPU µs/request | each round | ratio to wrk | max RSS MB |"
  echo "|---|---:|---:|---|---:|---:|"
  [ -f "$work/rows" ] || return 0
  awk -F'\t' -v section="$1" '
    function median(list,    n, i, j, t, v) {
      n = split(list, v, " ")
      for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    $1 == section {
      if (!($3 in rps)) order[++count] = $3
      rps[$3] = rps[$3] " " $4; cpu[$3] = cpu[$3] " " $5; rss[$3] = rss[$3] " " $6
      of[$3, $2] = $5
      if ($2 > rounds) rounds = $2
    }
    END {
      for (i = 1; i <= count; i++) {
        name = order[i]; ratios = ""
        for (r = 1; r <= rounds; r++) if (((name, r) in of) && (("wrk", r) in of)) ratios = ratios " " of[name, r] / of["wrk", r]
        ratio = ratios == "" ? "-" : sprintf("%.2f", median(ratios))
        printf "| %s | %.0f | %.2f | %s | %s | %.1f |\n", name, median(rps[name]), median(cpu[name]), substr(cpu[name], 2), ratio, median(rss[name])
      }
    }' "$work/rows"
}
