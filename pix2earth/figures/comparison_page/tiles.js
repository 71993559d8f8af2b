// The table of tiles with the scores of the selected runs.
const PAGE_ROWS = 100;
const tiles = { sort: null, descending: false, shown: PAGE_ROWS };

function tileRows() {
  const chosen = selected(), scores = chosen.map((one) => tileScores(one.name, state.metric));
  const place = new Map(pictures().tiles.map((tile, index) => [tile, index]));
  return keptTiles().map((tile, index) => {
    const row = { tile, name: group().tiles[tile], block: group().blocks?.[tile] ?? "", hidden: group().hidden[tile],
      picture: place.get(tile) };
    scores.forEach((values, number_) => { row[`run${number_}`] = values[index]; });
    row.difference = scores.length > 1 ? scores[0][index] - scores[1][index] : NaN;
    return row;
  });
}

function tileColumns() {
  const columns = [{ key: "name", title: "tile" }, { key: "block", title: "block" },
    { key: "hidden", title: "hidden", number: true }];
  selected().forEach((one, index) => columns.push({ key: `run${index}`, title: one.name.slice(0, 40), number: true }));
  if (selected().length > 1) columns.push({ key: "difference", title: "first minus second", number: true });
  return columns;
}

function tileRow(row, columns) {
  const cells = columns.slice(1).map((column) => {
    const value = row[column.key];
    if (column.key === "hidden") return make("td", { class: "number" }, value === null ? "–" : percent(value));
    return make("td", { class: column.number ? "number" : "text" }, column.number ? number(value) : value);
  });
  const look = row.picture === undefined ? ""
    : make("button", { type: "button", onclick: () => lookAt(row.tile), "aria-label": `look at ${row.name}` }, "Look");
  return make("tr", {}, make("th", { scope: "row", class: "name" }, make("span", { title: row.name }, row.name)),
    ...cells, make("td", {}, look));
}

function showTiles() {
  const columns = tileColumns(), rows = tileRows();
  const key = columns.some((column) => column.key === tiles.sort) ? tiles.sort : "run0";
  const descending = key === tiles.sort ? tiles.descending : lower(state.metric);
  rows.sort((a, b) => ordered(a[key], b[key], descending));
  const head = sortableHead(columns, key, descending, (column) => {
    tiles.descending = key === column.key ? !descending : false;
    tiles.sort = column.key;
    showTiles();
  });
  head.firstChild.append(make("th", { scope: "col" }, "picture"));
  const shown = rows.slice(0, tiles.shown);
  rewritten(byId("tiles"), head, make("tbody", {}, ...shown.map((row) => tileRow(row, columns))));
  byId("more").hidden = shown.length === rows.length;
  const left = group().tiles.length - rows.length;
  byId("tiles-status").textContent = `${shown.length} of ${rows.length} tiles`
    + (left ? `; ${left} more tiles are in the means, and left out of this page for its size` : "");
}
