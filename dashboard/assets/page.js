"use strict";
// The page of one pool. It hears from the pool each second, over server-sent events.
const $ = id => document.getElementById(id);
const kept = 300; // seconds that charts show
const seconds = []; // oldest first
const memory = new Map(); // by worker: the last minute
let paused = false;
let latest = null; // what the pool said last

function el(tag, attrs = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Numbers for people.
const count = n => n.toLocaleString("en");
function time(ms) {
  if (ms == null) return "–";
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}
function bytes(n) {
  if (!n) return "–";
  return n < 2 ** 30 ? `${(n / 2 ** 20).toFixed(1)} MiB` : `${(n / 2 ** 30).toFixed(2)} GiB`;
}

// Charts.
const probe = el("span", {hidden: ""});
document.body.append(probe);
function color(name) { // as the theme has it now: a canvas does not know light-dark()
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const charts = [
  {title: "Tasks per second", lines: [["done", "green", s => s.done], ["failed", "red", s => s.failed]], show: v => count(Math.round(v * 10) / 10)},
  {title: "Queue: waiting tasks", lines: [["waiting", "blue", s => s.queued]], show: v => count(v)},
  {title: "Time that tasks run", lines: percentiles("run"), show: time},
  {title: "Time that tasks wait", lines: percentiles("wait"), show: time},
];
function percentiles(of) {
  return [["p50", "green", 0], ["p90", "amber", 1], ["p99", "red", 2]].map(([name, c, i]) => [name, c, s => s[of] ? s[of][i] : null]);
}

function makeChart(chart) {
  if (!chart.box) {
    chart.box = el("div", {role: "img"});
    $("charts").append(el("figure", {}, el("figcaption", {}, chart.title), chart.box));
  }
  const box = chart.box;
  const axis = {stroke: () => color("quiet"), grid: {stroke: () => color("line"), width: 1}, ticks: {show: false}, font: "12px system-ui, sans-serif"};
  chart.plot = new uPlot({
    width: box.clientWidth, height: 170, cursor: {y: false},
    scales: {y: {range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1]}},
    axes: [{...axis}, {...axis, size: 68, values: (_, vs) => vs.map(chart.show)}],
    series: [
      {label: "at", value: (_, v) => v == null ? "now" : new Date(v * 1000).toLocaleTimeString()},
      ...chart.lines.map(([label, c], i) => ({
        label, stroke: () => color(c), width: 2, dash: [[], [6, 4], [2, 3]][i], spanGaps: false, points: {show: false},
        value: (_, v) => v == null ? "–" : chart.show(v),
      })),
    ],
  }, columns(chart), box);
}

function columns(chart) {
  return [seconds.map(s => s.at), ...chart.lines.map(([, , pick]) => seconds.map(pick))];
}

function drawCharts() {
  for (const chart of charts) {
    if (!chart.plot) makeChart(chart);
    chart.plot.setData(columns(chart));
    const last = seconds.at(-1);
    if (last) {
      const said = chart.lines.map(([name, , pick]) => `${name} ${pick(last) == null ? "none" : chart.show(pick(last))}`);
      chart.box.setAttribute("aria-label", `${chart.title}, last second: ${said.join(", ")}`);
    }
  }
}

function newCharts() { // a chart keeps the colors of the theme in which it was made
  for (const chart of charts) {
    chart.plot?.destroy();
    chart.plot = null;
  }
  if (latest) drawCharts();
}

new ResizeObserver(() => {
  for (const {plot, box} of charts) if (plot && box.clientWidth !== plot.width) plot.setSize({width: box.clientWidth, height: 170});
}).observe($("charts"));

// Workers.
function spark(name, now) {
  const past = memory.get(name) || [];
  past.push(now);
  if (past.length > 60) past.shift();
  memory.set(name, past);
  const low = Math.min(...past), high = Math.max(...past), span = Math.max(high - low, high * 0.05, 1);
  const points = past.map((m, i) => `${(i * 60 / Math.max(past.length - 1, 1)).toFixed(1)},${(17 - (m - low) / span * 14).toFixed(1)}`);
  return points.join(" ");
}

function workerRow(w) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "line");
  svg.setAttribute("viewBox", "0 0 60 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "polyline"));
  const part = {
    state: el("span", {class: "state"}), task: el("span"), tasks: el("span"), meter: el("meter", {min: 0, "aria-label": "of its limit"}),
    memory: el("span"), line: svg.firstChild, age: el("span"),
  };
  const row = el("tr", {}, el("th", {scope: "row"}, w.name, el("span", {class: "quiet"}, ` ${w.pid || ""}`)),
    el("td", {}, part.state), el("td", {}, part.task), el("td", {}, part.tasks, part.meter), el("td", {}, part.memory, svg), el("td", {}, part.age));
  row.parts = part;
  return row;
}

const rows = new Map();
function drawWorkers(workers) {
  const living = new Set(workers.map(w => w.name));
  for (const [name, row] of rows) {
    if (!living.has(name)) { row.remove(); rows.delete(name); memory.delete(name); }
  }
  for (const w of workers) {
    let row = rows.get(w.name);
    if (!row) { rows.set(w.name, row = workerRow(w)); $("workers").append(row); }
    const p = row.parts, busy = w.state === "ready" && w.running > 0;
    p.state.className = `state ${busy ? "busy" : w.state}`;
    put(p.state, (busy ? "busy" : w.state) + (w.reason ? `: ${w.reason.replaceAll("_", " ")}` : ""));
    put(p.task, w.task ? w.task + (w.running > 1 ? ` + ${count(w.running - 1)}` : "") : "–");
    put(p.tasks, count(w.tasks) + (w.limit ? ` of ${count(w.limit)}` : ""));
    p.meter.hidden = !w.limit;
    if (w.limit) { p.meter.max = w.limit; p.meter.value = w.tasks; }
    put(p.memory, bytes(w.memory));
    if (w.memory) p.line.setAttribute("points", spark(w.name, w.memory));
    put(p.age, time(w.age));
  }
}

// Lists.
function bars(list, entries, show) {
  const most = Math.max(...entries.map(([, v]) => v), 1e-9);
  if (!entries.length) return;
  list.replaceChildren(...entries.map(([name, v]) => {
    const bar = el("i", {"aria-hidden": "true"});
    bar.style.width = `${v / most * 100}%`;
    return el("li", {}, el("span", {}, name.replaceAll("_", " ")), bar, el("b", {}, show(v)));
  }));
}

let seen = 0; // the last failure
function drawFailures(failures) {
  const list = $("failures");
  for (const f of failures.filter(f => f.n > seen)) {
    seen = f.n;
    const key = JSON.stringify([f.what, f.task, f.text]);
    [...list.children].find(li => li.dataset.key === key)?.remove(); // it is the same once more
    const at = new Date(f.at);
    const where = [f.task, f.worker].filter(Boolean).join(" in ");
    const item = el("li", {}, el("time", {datetime: at.toISOString(), class: "quiet"}, at.toLocaleTimeString()), " ",
      el("strong", {}, f.what), f.times > 1 ? ` ${count(f.times)} times, last: ` : " ", where, el("div", {}, f.text));
    item.dataset.key = key;
    if (f.more) item.append(el("details", {}, el("summary", {}, "What it wrote"), el("pre", {tabindex: "0"}, f.more)));
    list.querySelector(".none")?.remove();
    list.prepend(item);
  }
  while (list.children.length > 25) list.lastChild.remove();
}

function drawSlowest(tasks) {
  $("slowest").replaceChildren(...tasks.map(t => el("tr", {}, el("th", {scope: "row"}, t.task), el("td", {}, `${t.id}`), el("td", {}, t.worker),
    el("td", {class: "number"}, time(t.wait)), el("td", {class: "number"}, time(t.run)))));
}

function draw(s) {
  const last = seconds.at(-1);
  put($("busy"), `${s.busy} of ${s.processes}`);
  put($("queued"), count(s.queued));
  put($("rate"), last ? count(last.done) : "–");
  put($("wait"), time(s.wait[0]));
  put($("run"), time(s.run[0]));
  put($("done"), count(s.succeeded + s.failed));
  put($("failed"), count(s.failed));
  put($("canceled"), count(s.canceled));
  put($("again"), `${count(s.retried)}, ${count(s.requeued)}`);
  $("failing").hidden = !s.failing;
  put($("failing"), s.failing || "");
  drawCharts();
  drawWorkers(s.workers);
  bars($("time"), s.time.map(t => [t.of, t.share]), v => `${(v * 100).toFixed(1)} %`);
  bars($("exits"), Object.entries(s.exits).sort((a, b) => b[1] - a[1]), count);
  drawFailures(s.failures);
  drawSlowest(s.slowest);
  put($("status"), paused ? "Paused" : `Live: ${s.ready} of ${s.processes} workers ready`);
}

// The connection. EventSource connects again by itself.
const source = new EventSource("live");
source.onmessage = e => {
  const s = JSON.parse(e.data);
  const known = seconds.length ? seconds.at(-1).at : 0;
  seconds.push(...s.seconds.filter(x => x.at > known));
  seconds.splice(0, Math.max(0, seconds.length - kept));
  latest = s;
  if (!paused) draw(s);
};
source.onerror = () => put($("status"), "Not connected: the pool’s program has ended, or is out of reach");

// The buttons.
$("pause").onclick = () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
  if (latest) draw(latest);
};
const themes = ["system", "light", "dark"];
function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  put($("theme"), `Theme: ${theme}`);
  newCharts();
}
$("theme").onclick = () => {
  const next = themes[(themes.indexOf(document.documentElement.dataset.theme || "system") + 1) % 3];
  localStorage.setItem("procpool-theme", next);
  setTheme(next);
};
setTheme(localStorage.getItem("procpool-theme") || "system");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", newCharts);
