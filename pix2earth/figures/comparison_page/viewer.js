// Tiles side by side: two pictures of one tile, with a border between them that moves, or in turn.
const FLICKER = 600;
const viewer = { places: [], index: 0, timer: null, chosen: {} };

// "sample:target" and "method:a_1" without the kind, which has the same length in both.
const sourceName = (key) => key.slice("sample:".length);

function showViewer() {
  const found = pictures();
  byId("with-pictures").hidden = !found.tiles.length;
  byId("no-pictures").textContent = (found.remarks ?? []).join("; ");
  stopFlicker();
  if (!found.tiles.length) return;
  const keys = Object.keys(found.images);
  const own = keys.filter((key) => key.startsWith("method:"));
  const choices = keys.map((key) => [key, sourceName(key)]);
  const first = own.find((key) => key === `method:${state.selected.find((name) => own.includes(`method:${name}`))}`);
  // What the reader has chosen stays while runs and metrics change.
  const left = keys.includes("sample:target") ? "sample:target" : keys[0], right = first ?? own[0] ?? keys[0];
  fill(byId("left"), choices, keys.includes(viewer.chosen.left) ? viewer.chosen.left : left);
  fill(byId("right"), choices, keys.includes(viewer.chosen.right) ? viewer.chosen.right : right);
  const names = selected().map((one) => [one.name, one.name]);
  fill(byId("of"), names.length ? names : [["", "no run is selected"]], state.selected[0]);
  const words = Object.entries(found.contrast).map(([role, text]) => `${role}: ${text}`);
  byId("contrast").textContent = words.length ? `Colours: ${words.join("; ")}. Grey: no value.` : "";
  order();
}

// What a tile is ordered by: smallest first.
function keyOf() {
  const score = state.metric, by = byId("order").value, sign = lower(score) ? -1 : 1;
  const name = byId("of").value;
  const values = name ? tileScores(name, score) : [];
  if (by === "worst") return (place) => sign * values[place];
  if (by === "best") return (place) => -sign * values[place];
  if (by === "median") {
    const middle = median(values);
    return (place) => Math.abs(values[place] - middle);
  }
  const [one, two] = state.selected.slice(0, 2).map((each) => tileScores(each, score));
  return (place) => (two ? -Math.abs(one[place] - two[place]) : 0);
}

function order() {
  const position = new Map(keptTiles().map((tile, place) => [tile, place]));
  const key = keyOf(), all = keptTiles().map((tile, place) => [tile, key(place)]);
  all.sort((a, b) => ordered(a[1], b[1], false));
  viewer.ranks = new Map(all.map(([tile], rank) => [tile, rank + 1]));
  viewer.places = pictures().tiles.map((_, index) => index);
  const value = (index) => key(position.get(pictures().tiles[index]) ?? -1);
  viewer.places.sort((a, b) => ordered(value(a), value(b), false));
  viewer.index = 0;
  byId("of").disabled = byId("order").value === "differ";
  showPicture();
}

function step(by) {
  viewer.index = Math.min(viewer.places.length - 1, Math.max(0, viewer.index + by));
  showPicture();
}

function lookAt(tile) {
  viewer.index = Math.max(0, viewer.places.indexOf(pictures().tiles.indexOf(tile)));
  showPicture();
  byId("viewer").scrollIntoView({ block: "start" });
  byId("cut").focus({ preventScroll: true });
}

function chooseSide(event) {
  viewer.chosen[event.target.id] = event.target.value;
  showPicture();
}

function showPicture() {
  const found = pictures(), index = viewer.places[viewer.index], tile = found.tiles[index];
  for (const side of ["left", "right"]) {
    const key = byId(side).value, image = byId(`${side}-image`), source = found.images[key]?.[index];
    image.alt = source ? `${sourceName(key)} of tile ${group().tiles[tile]}` : `${sourceName(key)}: no picture of this tile`;
    if (source) image.src = source;
    else image.removeAttribute("src");
  }
  byId("previous").disabled = viewer.index === 0;
  byId("next").disabled = viewer.index === viewer.places.length - 1;
  const place = keptTiles().indexOf(tile);
  const scores = selected().map((one) => `${one.name} ${number(tileScores(one.name, state.metric)[place])}`);
  const rank = viewer.ranks.get(tile), hidden = group().hidden[tile];
  byId("tile").textContent = `${viewer.index + 1} of ${viewer.places.length} tiles with pictures: ${group().tiles[tile]}`
    + ` (in this order ${rank ?? "?"} of all ${keptTiles().length})`
    + `${hidden === null ? "" : `; hidden ${percent(hidden)}`}; ${named(state.metric)}: ${scores.join(", ") || "no run is selected"}`;
}

// The stage takes the form of the left picture, and shows the pixels of small ones.
function fit() {
  const image = byId("left-image"), stage = byId("stage");
  if (!image.naturalWidth) return;
  stage.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
  stage.style.maxWidth = `${Math.min(1100, (544 * image.naturalWidth) / image.naturalHeight)}px`;
  stage.style.width = "100%";
  stage.classList.toggle("small", image.naturalHeight <= 256);
}

function moveBorder() {
  byId("stage").style.setProperty("--cut", `${byId("cut").value}%`);
  byId("cut").setAttribute("aria-valuetext", `${byId("cut").value} % left`);
}

function stopFlicker() {
  clearInterval(viewer.timer);
  viewer.timer = null;
  byId("stage").classList.remove("whole-left", "whole-right");
  byId("flicker").setAttribute("aria-pressed", "false");
}

function flicker() {
  if (viewer.timer) return stopFlicker();
  const stage = byId("stage");
  stage.classList.add("whole-left");
  viewer.timer = setInterval(() => {
    stage.classList.toggle("whole-left");
    stage.classList.toggle("whole-right", !stage.classList.contains("whole-left"));
  }, FLICKER);
  return byId("flicker").setAttribute("aria-pressed", "true");
}

function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select")) return;
  const key = event.key.toLowerCase();
  if (key === "n") step(1);
  else if (key === "p") step(-1);
  else if (key === "f") flicker();
  else return;
  event.preventDefault();
}
