/* Charts of an explorer: medians with bands over worlds, the pinned setting beside them, all over the same years. */

import { timeChart, valueAt, write as say } from "./charts.js";
import { make } from "./elements.js";
import { fillRows, newId } from "./rows.js";

const X = {
  from: 0,
  to: 240,
  ticks: [0, 60, 120, 180, 240],
  format: (month, exact) => (exact ? `year ${round(month / 12, 1)}` : String(month / 12)),
};
const LARGE = { height: (width) => Math.max(Math.min(width * 0.6, 280), 200), margin: { left: 40, right: 14, top: 10, bottom: 36 } };
const SMALL = { small: true, height: (width) => Math.max(Math.min(width * 0.62, 130), 84), margin: { left: 42, right: 10, top: 8, bottom: 24 } };

const round = (value, digits) => String(Math.round(value * 10 ** digits) / 10 ** digits);

/** Return a number as people read it: three digits at the most. */
function brief(value) {
  const size = Math.abs(value);
  return round(value, size >= 20 ? 0 : size >= 2 ? 1 : 2);
}

const FORMATS = {
  times: (value) => `\u00d7${brief(2 ** value)}`,
  "%": (value, exact) => (exact ? `${brief(value)} %` : brief(value)),
};

/** Make the charts: `{element, draw(shown, series), read(month)}`. `onCursor(month)` hears where the pointer is. */
export function picturesOf(setup, onCursor) {
  const points = setup.months.length;
  const format = (chart) => FORMATS[chart.unit] ?? brief;
  const figures = setup.charts.map((chart) => {
    const host = make("div", { class: "ts-host" });
    const unit = chart.unit === "times" ? "" : `, ${chart.unit}`;
    const figure = make("figure", {}, make("figcaption", {}, `${chart.title}${unit}`), host);
    return { chart, figure, view: timeChart(host, { ...(chart.group === "risk" ? LARGE : SMALL), onCursor }) };
  });
  const among = (group) => figures.filter(({ chart }) => chart.group === group).map(({ figure }) => figure);
  const { element: numbers, write } = numbersOf(setup, format);
  let bands = null;
  let now = null;

  const band = (block, i, part) => {
    const from = ((block * setup.charts.length + i) * 3 + part) * points;
    return bands.subarray(from, from + points);
  };

  /** Return the scale that all drivers share: powers of two, as high and as low as any band reaches. */
  function shared() {
    let low = -0.6;
    let high = 0.6;
    setup.charts.forEach((chart, i) => {
      if (chart.group !== "driver") return;
      for (let block = 0; block < (now.isPinned ? 2 : 1); block++) {
        for (const value of band(block, i, 0)) low = Math.min(low, value);
        for (const value of band(block, i, 2)) high = Math.max(high, value);
      }
    });
    const step = high - low > 4 ? 2 : 1;
    const ticks = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
    return { scale: { low: low - 0.1, high: high + 0.1, ticks } };
  }

  function data(chart, i, scale, cursor) {
    const blocks = now.isPinned ? [1, 0] : [0];
    const kind = (block) => (block ? "pinned" : "now");
    const start = now.dates["draw down start"];
    const large = chart.group === "risk";
    const told = format(chart);
    const quiet = (tell) => (value, exact) => (exact ? "" : tell(value)); // no room for readings: the table has them
    return {
      time: setup.months,
      bands: blocks.map((block) => ({
        id: kind(block), kind: block ? "pinned" : "worlds", low: band(block, i, 0), high: band(block, i, 2),
      })),
      lines: blocks.map((block) => ({ id: kind(block), kind: kind(block), values: band(block, i, 1) })),
      windows: [{ from: start, to: start + now.dates["draw down duration"], label: "" }],
      marks: [{ at: now.dates["election date"], label: "" }],
      x: large ? { ...X, label: "years from the mandate" } : { ...X, format: quiet(X.format) },
      y: { ...(chart.group === "driver" ? scale : { from: 0 }), format: large ? told : quiet(told) },
      direction: "ltr",
      cursor,
    };
  }

  function draw(cursor) {
    const scale = shared();
    figures.forEach(({ chart, view }, i) => view.draw(data(chart, i, scale, cursor)));
    write(now, (block, i, part) => valueAt(setup.months, band(block, i, part), cursor ?? setup.months[points - 1]), cursor);
  }

  return {
    risk: among("risk")[0],
    watched: make("div", { class: "ts-grid" }, ...among("watched")),
    drivers: make("div", { class: "ts-grid ts-drivers" }, ...among("driver")),
    numbers,
    draw(shown, series, cursor) {
      now = shown;
      bands = new Float32Array(series.buffer.slice(series.byteOffset, series.byteOffset + series.byteLength));
      draw(cursor);
    },
    read: (cursor) => bands && draw(cursor),
  };
}

/** Make the table of what the charts say at a year, ranges first: `{element, write}`. */
function numbersOf(setup, format) {
  const heads = make("tr");
  const body = make("tbody");
  const name = make("caption", { id: newId() });
  const element = make("table", {}, name, make("thead", {}, heads), body);
  return {
    element,
    write(shown, at, cursor) {
      const blocks = shown.isPinned ? [0, 1] : [0];
      const titles = ["", "now", "pinned"].slice(0, blocks.length + 1);
      if (heads.cells.length !== titles.length)
        heads.replaceChildren(make("td"), ...titles.slice(1).map((title) => make("th", { scope: "col" }, title)));
      const month = cursor ?? setup.months[setup.months.length - 1];
      say(name, `Year ${round(month / 12, 2)}: 10th to 90th percentile over worlds (median)`);
      fillRows(body, setup.charts.map((chart, i) => {
        const told = format(chart);
        const unit = chart.unit === "times" ? "hazard from " : "";
        const range = (block) => {
          const [low, middle, high] = [0, 1, 2].map((part) => told(at(block, i, part)));
          return `${low} to ${high} (${middle})`;
        };
        return [`${unit}${chart.title}${unit ? "" : `, ${chart.unit}`}`, ...blocks.map(range)];
      }));
    },
  };
}
