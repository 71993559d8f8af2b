// The table of runs, the legend of those that are selected, their differences and settings.
function failing(one, score) {
  return one.failed ? make("span", { class: "fails", title: one.failed }, `fails: ${one.failed}`) : make("span", {}, "–");
}

function meansCell(one, score) {
  const values = one.means[score];
  if (!values) return make("td", { class: "number" }, one.lacks.includes(score) ? "–" : failing(one, score));
  const [mean, low, high, middle] = values;
  const best = bestOf(score) === one.name;
  const parts = [best ? make("strong", {}, number(mean)) : number(mean)];
  if (low !== null) parts.push(make("small", {}, `[${number(low)}, ${number(high)}]`));
  parts.push(make("small", {}, `median ${number(middle)}`));
  if (one.failed) parts.push(make("small", { class: "fails" }, `fails: ${one.failed}`));
  return make("td", { class: "number" }, ...parts);
}

function gainsCell(one, score) {
  const gain = one.gains[score];
  if (!gain) return make("td", { class: "number" }, one.failed && !one.baseline ? failing(one, score) : "–");
  const parts = [make("span", { class: gain.decision }, signed(gain.mean))];
  if (gain.low !== null) parts.push(make("small", {}, `[${signed(gain.low)}, ${signed(gain.high)}]`));
  if (gain.corrected !== null) parts.push(make("small", {}, `p ${number(gain.corrected, 2)}, ${gain.decision}`));
  return make("td", { class: "number" }, ...parts);
}

function bestOf(score) {
  if (undirected(score)) return null;
  const sound = methods().filter((one) => !one.failed && one.means[score]);
  const value = (one) => one.means[score][0] * (lower(score) ? 1 : -1);
  return sound.length ? sound.reduce((a, b) => (value(b) < value(a) ? b : a)).name : null;
}

const NAME = { key: "name", title: "run" };
const DETAILS = [
  { key: "model", title: "model" }, { key: "loss", title: "losses" }, { key: "step", title: "step" },
  { key: "seeds", title: "seeds" }, { key: "dataset", title: "trained on" },
];
const DATE = { key: "started", title: "date" };

// What differs between the runs stands before the scores, what is the same in all of them behind.
function detailColumns() {
  const runs = methods().filter((one) => !one.baseline);
  const differs = (column) => new Set(runs.map((one) => one[column.key])).size > 1;
  return [DETAILS.filter(differs), [...DETAILS.filter((column) => !differs(column)), DATE]];
}

function runValue(one, key) {
  if (!key.startsWith("score:")) return one[key];
  const score = key.slice(6);
  return state.show === "gains" ? one.gains[score]?.mean : one.means[score]?.[0];
}

function matches(one) {
  const text = [one.name, one.model, one.loss, one.dataset, one.started, one.seeds, ...one.runs].join(" ").toLowerCase();
  return state.filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

// The chosen metric is the first.
const shownScores = () => [state.metric, ...group().scores.filter((score) => score !== state.metric)];

function runRow(one, before, behind) {
  const chosen = state.selected.includes(one.name);
  const box = make("input", {
    type: "checkbox", "aria-label": `select ${one.name}`, "data-key": `select ${one.name}`,
    onchange: (event) => select(one.name, event.target.checked),
  });
  box.checked = chosen;
  box.disabled = !chosen && state.selected.length >= COLOURS;
  const about = [make("span", { title: one.name }, one.name)];
  if (one.failed) about.push(make("small", { class: "fails" }, `fails: ${one.failed}`));
  about.push(...one.remarks.map((remark) => make("small", {}, remark)));
  const cell = state.show === "gains" ? gainsCell : meansCell;
  return make("tr", { class: chosen ? "chosen" : "" },
    make("td", {}, box),
    make("th", { scope: "row", class: "name" }, ...about),
    ...before.map(({ key }) => make("td", { class: `text ${key}` }, one[key])),
    ...shownScores().map((score) => cell(one, score)),
    ...behind.map(({ key }) => make("td", { class: `text ${key}` }, one[key])));
}

function showRuns() {
  const [before, behind] = detailColumns();
  const scores = shownScores().map((score) => ({ key: `score:${score}`, title: named(score), number: true, score }));
  const columns = [{ title: "select" }, NAME, ...before, ...scores, ...behind];
  const rows = methods().filter(matches);
  if (state.sort) rows.sort((a, b) => ordered(runValue(a, state.sort), runValue(b, state.sort), state.descending));
  const head = sortableHead(columns, state.sort, state.descending, (column) => {
    // The first click on a metric puts the best run first.
    const first = column.score ? !lower(column.score) : false;
    state.descending = state.sort === column.key ? !state.descending : first;
    state.sort = column.key;
    showRuns();
  });
  rewritten(byId("runs"), head, make("tbody", {}, ...rows.map((one) => runRow(one, before, behind))));
  byId("status").textContent =
    `${rows.length} of ${methods().length} shown, ${state.selected.length} selected (at most ${COLOURS})`;
  byId("basis").textContent = `Means over ${group().tiles.length} common tiles; ${group().basis}.`;
}

function select(name, chosen) {
  state.selected = state.selected.filter((one) => one !== name);
  if (chosen) state.selected.push(name);
  showRuns();
  showSelected();
}

// ---- selected runs

// A colour of the style sheet as the canvas needs it, in the present scheme.
function resolved(name) {
  const probe = make("span", { hidden: true });
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
const colour = (index) => resolved(`--c${index}`);

function showLegend() {
  const items = selected().map((one, index) => {
    const mark = make("span", { class: "mark" });
    mark.style.color = `var(--c${index})`;
    mark.style.borderTopStyle = DASHES[index].length ? "dashed" : "solid";
    return make("li", {}, mark, make("span", {}, one.name));
  });
  byId("legend").replaceChildren(...(items.length ? items : [make("li", {}, "Select runs in the table above.")]));
}

// The difference first minus second as it was computed, also where the pair was computed the other way round.
function differenceOf(first, second) {
  const score = state.metric;
  if (second.name === group().baseline) return first.gains[score];
  for (const pair of group().pairs) {
    const values = pair.scores[score];
    if (pair.first === first.name && pair.second === second.name) return values;
    if (pair.first === second.name && pair.second === first.name && values) {
      const other = { better: "worse", worse: "better" };
      return { ...values, mean: -values.mean, low: values.high === null ? null : -values.high,
        high: values.low === null ? null : -values.low, wins: 1 - values.wins, block_wins: 1 - values.block_wins,
        decision: other[values.decision] ?? values.decision };
    }
  }
  return undefined;
}

const OPEN = { open: "not decided", equal: "equal: less than between seeds" };

function pairRow(first, second) {
  const label = make("th", { scope: "row", class: "name" }, `${first.name} minus ${second.name}`);
  const values = differenceOf(first, second);
  if (!values) {
    const why = first.failed || second.failed ? "one of them fails, so that not all tiles have both scores"
      : second.baseline || first.baseline ? "only gains over the baseline of the table are computed"
        : "not computed: of many runs, the best 12 are compared in pairs";
    return make("tr", {}, label, make("td", { colspan: 9 }, why));
  }
  const interval = values.low === null ? "–" : `[${signed(values.low)}, ${signed(values.high)}]`;
  const cells = [signed(values.mean, 4), interval, number(values.p, 2), number(values.corrected, 2),
    number(values.wilcoxon, 2),
    percent(values.wins), percent(values.block_wins), number(values.moran, 2)];
  return make("tr", {}, label, ...cells.map((text) => make("td", { class: "number" }, text)),
    make("td", { class: values.decision }, OPEN[values.decision] ?? values.decision));
}

function showPairs() {
  const chosen = selected(), baseline = method(group().baseline ?? "");
  const rows = [];
  for (const [index, first] of chosen.entries()) {
    if (first.baseline) continue;
    if (baseline) rows.push(pairRow(first, baseline));
    for (const second of chosen.slice(index + 1)) if (!second.baseline) rows.push(pairRow(first, second));
  }
  const titles = ["difference", "mean", "95 % interval", "p", "p corrected", "Wilcoxon", "tiles won", "blocks won",
    "Moran's I", "first is"];
  const head = make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title))));
  byId("pairs").replaceChildren(...(rows.length ? [head, make("tbody", {}, ...rows)] : []));
}

function showSettings() {
  const chosen = selected().filter((one) => !one.baseline);
  const rows = Object.entries(group().settings).filter(([, values]) =>
    new Set(chosen.map((one) => values[one.name])).size > 1);
  const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "setting"),
    ...chosen.map((one) => make("th", { scope: "col", class: "name" }, make("span", { title: one.name }, one.name)))));
  const body = rows.map(([key, values]) => make("tr", {}, make("th", { scope: "row" }, key),
    ...chosen.map((one) => make("td", { class: "text" }, values[one.name]))));
  byId("settings").replaceChildren(...(rows.length ? [head, make("tbody", {}, ...body)] : []));
  byId("no-settings").textContent = rows.length ? ""
    : chosen.length > 1 ? "The recorded settings of the selected runs are equal." : "Select two runs to compare their settings.";
}
