// What follows from a choice, and the start.
function showSelected() {
  showLegend();
  showPairs();
  showSettings();
  showPlots();
  showViewer();
  tiles.shown = PAGE_ROWS;
  showTiles();
}

function showMetric() {
  state.metric = byId("metric").value;
  for (const place of document.querySelectorAll(".metric")) place.textContent = named(state.metric);
  showRuns();
  showPairs();
  showDistribution();
  showViewer();
  showTiles();
}

function showGroup() {
  const found = group();
  byId("reason").textContent = found.reason || (page.groups.length > 1
    ? "Runs that may not be compared with these are under other samples, with the reason." : "");
  fill(byId("metric"), found.scores.map((score) => [score, direction(score)]), found.measure);
  state.metric = byId("metric").value;
  for (const place of document.querySelectorAll(".metric")) place.textContent = named(state.metric);
  state.selected = methods().filter((one) => !one.baseline).slice(0, 2).map((one) => one.name);
  state.sort = null;
  viewer.chosen = {};
  const choices = scatterChoices(), last = choices[choices.length - 1]?.[0];
  fill(byId("x"), choices, last === "hidden" ? "hidden" : found.scores.find((score) => score !== found.measure));
  fill(byId("y"), choices, found.measure);
  showRuns();
  showSelected();
}

function listen(id, event, action) {
  byId(id).addEventListener(event, action);
}

byId("made").textContent = page.made;
fill(byId("group"), page.groups.map((one, index) => [index, one.title]), 0);
listen("group", "change", () => { state.group = Number(byId("group").value); showGroup(); });
listen("metric", "change", showMetric);
listen("filter", "input", () => { state.filter = byId("filter").value; showRuns(); });
listen("value", "change", () => { state.show = byId("value").value; showRuns(); });
listen("curve", "change", showCurves);
listen("log", "change", showCurves);
listen("x", "change", showScatter);
listen("y", "change", showScatter);
listen("more", "click", () => { tiles.shown += PAGE_ROWS; showTiles(); });
listen("order", "change", order);
listen("of", "change", order);
listen("left", "change", chooseSide);
listen("right", "change", chooseSide);
listen("previous", "click", () => step(-1));
listen("next", "click", () => step(1));
listen("flicker", "click", flicker);
listen("cut", "input", moveBorder);
listen("left-image", "load", fit);
listen("viewer", "keydown", press);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showPlots);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  showPlots();
});
moveBorder();
showGroup();
