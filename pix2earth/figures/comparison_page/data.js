"use strict";
// Data of the page, and small functions that all parts use. Names and settings are written as text, never as HTML.
const byId = (id) => document.getElementById(id);
const parsed = (id) => JSON.parse(byId(id).textContent);
const page = parsed("main");
const COLOURS = 6;
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 5], [1, 4]];
const state = { group: 0, metric: null, selected: [], filter: "", show: "means", sort: null, descending: false };
const lazily = (make) => { let value; return () => (value ??= make()); };
const scoresOfAll = lazily(() => parsed("scores"));
const picturesOfAll = lazily(() => parsed("pictures"));

const group = () => page.groups[state.group];
const pictures = () => picturesOfAll()[state.group];
const methods = () => group().methods;
const method = (name) => methods().find((one) => one.name === name);
const selected = () => state.selected.map(method);
const lower = (score) => page.lower.includes(score.split(".")[0]);
const undirected = (score) => page.undirected.includes(score.split(".")[0]);

// An element with attributes and children; children that are no elements become text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name in element && name.startsWith("on")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

function fill(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => make("option", { value: key }, text)));
  const keys = options.map(([key]) => String(key));
  select.value = keys.includes(String(value)) ? value : keys[0];
}

function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

const signed = (value, digits = 3) => (value > 0 ? "+" : "") + number(value, digits);
const percent = (value) => `${Math.round(100 * value)} %`;

function named(score) {
  const [metric, ...parts] = score.split(".");
  const region = parts.join(" ");
  const unit = page.units[metric];
  return (region ? `${metric} ${region}` : metric) + (unit && unit !== "1" ? ` (${unit === "data" ? "data" : unit})` : "");
}

const direction = (score) =>
  undirected(score) ? named(score) : `${named(score)}, ${lower(score) ? "lower" : "higher"} is better`;

// Scores of one method, Float32Array with a value for each tile of `keptTiles()`; NaN where not defined.
const decoded = new Map();
function tileScores(name, score) {
  const key = `${state.group} ${name}`;
  if (!decoded.has(key)) {
    const bytes = Uint8Array.from(atob(scoresOfAll()[state.group].methods[name]), (letter) => letter.charCodeAt(0));
    decoded.set(key, new Float32Array(bytes.buffer));
  }
  const count = keptTiles().length, index = group().scores.indexOf(score);
  return decoded.get(key).subarray(index * count, (index + 1) * count);
}
const keptTiles = () => scoresOfAll()[state.group].tiles;

// Copies of values that can be sorted, without those that are no numbers.
const finiteOf = (values) => Array.from(values).filter(Number.isFinite);

function median(values) {
  const ordered = finiteOf(values).sort((a, b) => a - b);
  return ordered.length ? ordered[Math.floor(ordered.length / 2)] : NaN;
}

// Order for sorting; what is missing comes last whatever the direction.
function ordered(a, b, descending) {
  const missing = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const by = typeof a === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  return descending ? -by : by;
}

// The head of a table that is sorted by its buttons.
function sortableHead(columns, sort, descending, choose) {
  return make("thead", {}, make("tr", {}, ...columns.map((column) => {
    if (!column.key) return make("th", { scope: "col" }, column.title);
    const sorted = sort === column.key ? (descending ? "descending" : "ascending") : undefined;
    const button = make("button", { type: "button", onclick: () => choose(column), "data-key": column.key }, column.title);
    return make("th", { scope: "col", "aria-sort": sorted, class: column.number ? "number" : "" }, button);
  })));
}

// Keeps the keyboard where it was after a table was written again.
function rewritten(table, ...parts) {
  const focused = table.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  table.replaceChildren(...parts);
  if (focused) table.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}
