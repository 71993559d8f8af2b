// Plots by uPlot: training curves, distributions, and metric against metric.
const drawn = new Map();
const COMMON_BINS = 30, MOST_POINTS = 2000;

function plot(id, data, series, axes, scales) {
  const place = byId(id);
  drawn.get(id)?.destroy();
  drawn.delete(id);
  place.replaceChildren();
  if (!data) {
    place.append(make("p", {}, "Nothing to show for the selected runs."));
    return;
  }
  const ink = resolved("--ink"), line = resolved("--line");
  const width = Math.max(240, place.clientWidth);
  const options = {
    width, height: Math.round(Math.min(360, Math.max(240, width * 0.5))),
    scales: { x: { time: false }, ...scales },
    axes: axes.map((label, index) => ({
      label, stroke: ink, labelSize: 22, size: index ? 64 : 46,
      grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 },
      values: (_, values) => values.map((value) => (value === null ? "" : number(value, 5))),
    })),
    series: [{ label: axes[0], value: (_, value) => number(value) }, ...series],
    cursor: { points: { size: 7 } },
    legend: { live: width > 500 },
  };
  const made = new uPlot(options, data, place);
  made.root.setAttribute("role", "img");
  made.root.setAttribute("aria-label", `${axes[1]} by ${axes[0]}: ${series.map((one) => one.label).join(", ")}`);
  drawn.set(id, made);
}

function styleOf(index, label) {
  return { label, stroke: colour(index), width: 2, dash: DASHES[index], spanGaps: true,
    value: (_, value) => number(value) };
}

// ---- training

function curveNames() {
  const names = new Set(selected().flatMap((one) => one.curves.flatMap((each) => Object.keys(each.lines))));
  return [...names].sort((a, b) => a.startsWith("validation") - b.startsWith("validation") || a.localeCompare(b));
}

function showCurves() {
  const names = curveNames();
  const usual = names.includes(`validation ${group().measure}`) ? `validation ${group().measure}` : names[0];
  fill(byId("curve"), names.map((name) => [name, name]), names.includes(byId("curve").value) ? byId("curve").value : usual);
  const name = byId("curve").value, tables = [], series = [];
  selected().forEach((one, index) => one.curves.forEach((each) => {
    const line = each.lines[name];
    if (!line) return;
    tables.push(line);
    series.push({ ...styleOf(index, each.run), points: { show: line[0].length < 20 } });
  }));
  const positive = tables.every(([, values]) => values.every((value) => value > 0));
  byId("log").disabled = !positive;
  const log = byId("log").checked && positive;
  plot("curves", tables.length ? uPlot.join(tables) : null, series, ["step", name], log ? { y: { distr: 3 } } : {});
}

// ---- distribution

function showDistribution() {
  const chosen = selected().map((one, index) => ({ index, one, values: finiteOf(tileScores(one.name, state.metric)) }))
    .filter((each) => each.values.length);
  const all = chosen.flatMap((each) => each.values).sort((a, b) => a - b);
  if (!all.length) return plot("distribution", null);
  // A few outliers must not set the scale: they are counted in the first and the last bin.
  const quantile = (share) => all[Math.min(all.length - 1, Math.floor(share * all.length))];
  let low = quantile(0.005), high = quantile(0.995);
  if (low === high) { low -= 0.5; high += 0.5; }
  const width = (high - low) / COMMON_BINS;
  const edges = Array.from({ length: COMMON_BINS + 1 }, (_, bin) => low + bin * width);
  const counts = chosen.map(({ values }) => {
    const found = new Array(COMMON_BINS + 1).fill(0);
    for (const value of values) found[Math.min(COMMON_BINS - 1, Math.max(0, Math.floor((value - low) / width)))] += 1;
    found[COMMON_BINS] = found[COMMON_BINS - 1];
    return found;
  });
  const paths = uPlot.paths.stepped({ align: 1 });
  const series = chosen.map(({ index, one }) => ({ ...styleOf(index, one.name), paths, points: { show: false } }));
  return plot("distribution", [edges, ...counts], series, [direction(state.metric), "tiles"]);
}

// ---- metric against metric

function axisValues(one, key) {
  return key === "hidden" ? keptTiles().map((tile) => group().hidden[tile] ?? NaN) : tileScores(one.name, key);
}

const axisName = (key) => (key === "hidden" ? "share of hidden pixels, such as clouds" : direction(key));

function scatterChoices() {
  const choices = group().scores.map((score) => [score, named(score)]);
  if (new Set(group().hidden.filter((value) => value !== null)).size > 1) choices.push(["hidden", "share of hidden pixels"]);
  return choices;
}

function showScatter() {
  const [across, up] = [byId("x").value, byId("y").value];
  const points = [];
  selected().forEach((one, index) => {
    const [x, y] = [axisValues(one, across), axisValues(one, up)];
    const every = Math.ceil(x.length / MOST_POINTS);
    for (let tile = 0; tile < x.length; tile += every) {
      if (Number.isFinite(x[tile]) && Number.isFinite(y[tile])) points.push([x[tile], y[tile], index]);
    }
  });
  if (!points.length) return plot("scatter", null);
  points.sort((a, b) => a[0] - b[0]);
  const present = selected().map((one, index) => ({ one, index }));
  const columns = present.map(({ index }) => points.map((point) => (point[2] === index ? point[1] : null)));
  const series = present.map(({ one, index }) => ({
    ...styleOf(index, one.name), paths: () => null, points: { show: true, size: 5, width: 1, fill: colour(index) },
  }));
  return plot("scatter", [points.map((point) => point[0]), ...columns], series, [axisName(across), axisName(up)]);
}

function showPlots() {
  showCurves();
  showDistribution();
  showScatter();
}
