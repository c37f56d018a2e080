"use strict";
// Draws the charts of the page from its JSON block. `window.stampede.charts` has every chart that is drawn.
window.stampede = { charts: [] };

(() => {
  const data = JSON.parse(document.getElementById("data").textContent) || { marks: [], timeline: { t: [] }, endpoints: {} };
  const HEIGHT = 200;
  const NONE = "–";
  // Seconds between the lines of a chart.
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // As in the tables: three digits below 1000, at most three decimals.
  const figure = (value) => {
    if (value == null) return NONE;
    const size = Math.abs(value);
    const decimals = size === 0 ? 0 : size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    return value.toFixed(decimals);
  };

  // A number on an axis: no more digits than it has.
  const short = (value) => (value == null ? "" : value >= 1e6 ? +(value / 1e6).toFixed(2) + "M" : String(+value.toPrecision(6)));

  const clock = (seconds) => {
    if (seconds == null) return NONE;
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return (hours ? hours + ":" : "") + two(minutes) + ":" + two(seconds % 60);
  };

  // From 0 to a little above the largest value.
  const fromZero = (chart, least, most) => [0, most > 0 ? most * 1.06 : 1];

  const axis = (more) => ({
    stroke: () => color("quiet"),
    grid: { stroke: () => color("grid"), width: 1 },
    ticks: { stroke: () => color("line"), width: 1, size: 5 },
    font: "11px system-ui, sans-serif",
    ...more,
  });

  // Moments of the run as dashed lines, their names above them as far as there is room.
  const drawMarks = (chart) => {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color("quiet");
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.font = 10 * ratio + "px system-ui, sans-serif";
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    let free = -Infinity;
    for (const mark of data.marks) {
      if (mark.t < chart.scales.x.min || mark.t > chart.scales.x.max) continue;
      const x = Math.round(chart.valToPos(mark.t, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const half = ctx.measureText(mark.label).width / 2;
      const middle = Math.max(Math.min(x, bbox.left + bbox.width - half), bbox.left + half);
      if (middle - half > free) {
        ctx.fillText(mark.label, middle - half, bbox.top - 2 * ratio);
        free = middle + half + 6 * ratio;
      }
    }
    ctx.restore();
  };

  const frame = (place) => ({
    width: Math.max(place.clientWidth, 120),
    height: HEIGHT,
    padding: [16, 20, 0, 0],
    legend: {
      markers: {
        width: 0,
        fill: (chart, at) => (at ? "var(--" + chart.series[at].tone + ")" : "transparent"),
        stroke: () => "transparent",
      },
    },
  });

  // Counts have no halves.
  const whole = (chart, splits) => splits.map((value) => (Number.isInteger(value) ? short(value) : ""));

  // A course in time. `named` are [label, values, tone, more].
  const lines = (place, group, t, named, values = (chart, splits) => splits.map(short)) => {
    const series = named.map(([label, , tone, more]) => ({
      label,
      tone,
      stroke: () => color(tone),
      width: 1.5,
      points: { show: t.length < 2 },
      value: (chart, value) => figure(value),
      ...more,
    }));
    const options = {
      ...frame(place),
      cursor: { sync: { key: group }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: fromZero } },
      axes: [
        axis({ values: (chart, splits) => splits.map(clock), incrs: STEPS, space: 60, size: 30 }),
        axis({ values, size: 52, space: 34 }),
      ],
      series: [{ label: "at", value: (chart, value) => clock(value) }, ...series],
      hooks: { draw: [drawMarks] },
    };
    return new uPlot(options, [t, ...named.map(([, values]) => values)], place);
  };

  const rates = (place, group, of) =>
    lines(place, group, of.t, [
      ["req/s", of.rps, "blue"],
      ["failures/s", of.failures, "red"],
    ]);

  const times = (place, group, of) =>
    lines(place, group, of.t, [
      ["p50", of.p50, "green"],
      ["p95", of.p95, "amber"],
      ["p99", of.p99, "violet"],
    ]);

  // 1, 2, 5, 10 … ms, where they lie among bars that are centred on 0, 1, 2 …
  const roundTimes = (edges) => {
    const ticks = [];
    for (let power = -3; power <= 5; power++) {
      for (const digit of edges.length > 40 ? [1, 3] : [1, 2, 5]) {
        const ms = +(digit * 10 ** power).toPrecision(1);
        const above = edges.findIndex((edge) => edge > ms);
        if (above < 1) continue;
        const part = Math.log(ms / edges[above - 1]) / Math.log(edges[above] / edges[above - 1]);
        ticks.push({ ms, at: above - 1.5 + part });
      }
    }
    return ticks;
  };

  // Counts by response time: what failed stands on what was ok.
  const spread = (place, bars) => {
    const count = bars.ok.length;
    const at = bars.ok.map((ok, index) => index);
    const all = bars.ok.map((ok, index) => ok + bars.failed[index]);
    const ticks = roundTimes(bars.edges);
    const paths = uPlot.paths.bars({ size: [0.9, 60], align: 0 });
    const bar = (label, tone, counts) => ({
      label,
      tone,
      stroke: () => color(tone),
      fill: () => color(tone),
      width: 0,
      paths,
      points: { show: false },
      value: (chart, value, series, index) => (index == null ? NONE : String(counts[index])),
    });
    const options = {
      ...frame(place),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, range: () => [-0.6, count - 0.4] }, y: { range: fromZero } },
      axes: [
        axis({ splits: () => ticks.map((tick) => tick.at), values: () => ticks.map((tick) => String(tick.ms)), size: 30, grid: { show: false } }),
        axis({ values: whole, size: 52, space: 34 }),
      ],
      series: [
        {
          label: "ms",
          value: (chart, value, series, index) => (index == null ? NONE : figure(bars.edges[index]) + "–" + figure(bars.edges[index + 1])),
        },
        bar("failed", "red", bars.failed),
        bar("ok", "blue", bars.ok),
      ],
    };
    return new uPlot(options, [at, all, bars.ok], place);
  };

  const run = data.timeline;
  const kinds = {
    "run-rates": (place) => rates(place, "run", run),
    "run-times": (place) => times(place, "run", run),
    "run-users": (place) =>
      lines(
        place,
        "run",
        run.t,
        [
          ["users", run.users, "blue"],
          ["planned", run.planned, "grey", { dash: [5, 4] }],
        ],
        whole,
      ),
    "run-flight": (place) => lines(place, "run", run.t, [["in flight", run.in_flight, "violet"]], whole),
    rates: (place, row, of) => row.course && rates(place, "row-" + of, row.course),
    times: (place, row, of) => row.course && times(place, "row-" + of, row.course),
    spread: (place, row) => row.spread && spread(place, row.spread),
  };

  // Draws every chart within `root` that is not drawn yet; it must be visible, for it takes the width it has.
  stampede.draw = (root) => {
    for (const place of root.querySelectorAll("[data-chart]:not([data-drawn])")) {
      if (!place.clientWidth) continue;
      place.dataset.drawn = "";
      const { chart: kind, of } = place.dataset;
      const chart = kinds[kind](place, data.endpoints[of] || {}, of);
      if (chart) {
        stampede.charts.push(chart);
        new ResizeObserver(() => {
          if (place.clientWidth) chart.setSize({ width: place.clientWidth, height: HEIGHT });
        }).observe(place);
      } else {
        const nothing = document.createElement("p");
        nothing.className = "nothing";
        nothing.textContent = "Nothing to draw.";
        place.append(nothing);
      }
    }
  };

  // After the colours have changed.
  stampede.redraw = () => stampede.charts.forEach((chart) => chart.redraw(true, true));
})();
