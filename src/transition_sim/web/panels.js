/* More charts that are updated in place: rows of drivers over one axis of time, and bars of amounts. */

import { add, label, linePath, set, shell, tenth, timeAxis, timeWindows, valueAt } from "./charts.js";

const NONE = { left: 0, right: 0, top: 0, bottom: 0 };

/** Make rows over one axis of time in `host`: each driver its own row, raised above its base line or sunk below it.

    All rows share one scale; a row is as high as it needs. `options`: `height(width)`, `margin`, `onCursor`. Of
    `data`: `time`; `rows` [{id, label, values, pinned?}]; `x` and `direction` as of a chart over time; `windows`;
    `format(value)` for the reading beside a row; `cursor` a time or null (then the last time is read). */
export function rowsChart(host, options) {
  const margin = { left: 8, right: 64, top: 8, bottom: 36, ...options.margin };
  const { chart, layer } = shell(host, "ts-rows", { ...options, margin }, paint);
  const windows = layer("windows", (parent) => add(parent, "rect"));
  const areas = layer("areas", (parent) => add(parent, "path"));
  const lines = layer("lines", (parent, key) => add(parent, key[0] === "p" ? "path" : "line"));
  const texts = layer("labels", (parent) => add(parent, "text"));
  let data, plot, x;

  const put = (key, at, words, classes, reach) =>
    label(texts.get(key), at[0], at[1], words, classes, reach, data.direction);

  /** Return the base line of each row and the pixels of a unit: room for a name, then what the row reaches. */
  function lanes() {
    const reach = data.rows.map((row) => {
      let up = 0;
      let down = 0;
      for (const values of row.pinned ? [row.values, row.pinned] : [row.values])
        for (const value of values) ((up = Math.max(up, value)), (down = Math.max(down, -value)));
      const quarter = (value) => Math.ceil(value * 4 - 1e-6) / 4;
      return { up: quarter(up), down: quarter(down) };
    });
    const name = 17;
    const units = reach.reduce((sum, each) => sum + each.up + each.down, 0) || 1;
    const unit = Math.max((plot.bottom - plot.top - name * reach.length) / units, 2);
    let at = plot.top;
    return reach.map((each) => {
      const top = at;
      const base = top + name + each.up * unit;
      at = base + each.down * unit;
      return { ...each, top, base, unit };
    });
  }

  function row(each, lane, read) {
    const y = (value) => lane.base - value * lane.unit;
    const above = (value) => y(Math.max(value, 0));
    const below = (value) => y(Math.min(value, 0));
    const closed = (path) => `M${tenth(x(data.time[0]))} ${tenth(lane.base)}L${path.slice(1)}V${tenth(lane.base)}Z`;
    const sides = { up: above, down: below };
    for (const side in sides) {
      if (!lane[side]) continue;
      const d = closed(linePath(data.time, each.values, x, sides[side], 4));
      set(areas.get(side + each.id), { class: `ts-area-${side}`, d });
    }
    set(lines.get(`b${each.id}`), { class: "ts-axis", x1: plot.left, x2: plot.right, y1: lane.base, y2: lane.base });
    const paths = each.pinned ? { row: each.values, pinned: each.pinned } : { row: each.values };
    for (const kind in paths) {
      const d = linePath(data.time, paths[kind], x, y, 4);
      set(lines.get(`p${kind}${each.id}`), { class: `ts-line ts-line-${kind}`, d });
    }
    const start = data.direction === "rtl" ? plot.right : plot.left;
    put(`n${each.id}`, [start, lane.top + 13], each.label, "ts-row-name", data.direction === "rtl" ? "left" : "right");
    const value = valueAt(data.time, each.values, read);
    put(`v${each.id}`, [plot.right + 8, lane.base + 4], data.format(value), "ts-row-value", "right");
  }

  function paint(next, frame) {
    [data, plot, x] = [next, frame, frame.x];
    const read = typeof data.cursor === "number" ? data.cursor : data.x.to;
    timeAxis(data.x, plot, data.direction, lines.get, texts.get);
    timeWindows(data.windows, plot, windows.get);
    lanes().forEach((lane, i) => row(data.rows[i], lane, read));
    if (typeof data.cursor === "number") {
      const at = x(data.cursor);
      set(lines.get("cursor"), { class: "ts-cursor", x1: at, x2: at, y1: plot.top, y2: plot.bottom });
    }
    for (const each of [windows, areas, lines, texts]) each.done();
  }

  return chart;
}

/** Make horizontal bars in `host`, each with its name and its amount above it, one scale for all.

    `options`: `height(width)`. Of `data`: `bars` [{id, label, value, pinned?, kind, low?, high?}] with kinds need,
    plain, good, loss; `format(bar)`; `direction`. A pinned value is a dashed mark, `low` to `high` a whisker. */
export function barsChart(host, options) {
  const { chart, layer } = shell(host, "ts-bars", { ...options, margin: NONE }, paint);
  const rects = layer("bar-areas", (parent) => add(parent, "rect"));
  const lines = layer("bar-marks", (parent) => add(parent, "line"));
  const texts = layer("labels", (parent) => add(parent, "text"));

  function paint(data, size) {
    const rtl = data.direction === "rtl";
    const reach = (bar) => Math.max(bar.value, bar.pinned ?? 0, bar.high ?? 0);
    const most = Math.max(...data.bars.map(reach), 1e-9);
    const step = size.height / data.bars.length;
    const along = (value) => (value / most) * (size.width - 2);
    const at = (value) => (rtl ? size.width - along(value) : along(value));
    data.bars.forEach((bar, i) => {
      const top = i * step + 18;
      const height = Math.max(step - 26, 4);
      const width = Math.max(along(bar.value), 0.5);
      const [start, end] = rtl ? [size.width, 0] : [0, size.width];
      const [inward, outward] = rtl ? ["left", "right"] : ["right", "left"];
      set(rects.get(bar.id), {
        class: `ts-bar ts-bar-${bar.kind}`,
        x: Math.min(start, at(bar.value)),
        y: top,
        width,
        height,
      });
      label(texts.get(`n${bar.id}`), start, top - 5, bar.label, "ts-row-name", inward, data.direction);
      label(texts.get(`v${bar.id}`), end, top - 5, data.format(bar), "ts-row-value", outward, data.direction);
      mark(bar, at, top, height);
    });
    for (const each of [rects, lines, texts]) each.done();
  }

  function mark(bar, at, top, height) {
    if (bar.pinned !== undefined) {
      const x = at(bar.pinned);
      set(lines.get(`p${bar.id}`), { class: "ts-line-pinned", x1: x, x2: x, y1: top - 3, y2: top + height + 3 });
    }
    if (bar.low !== undefined) {
      const y = top + height / 2;
      set(lines.get(`w${bar.id}`), { class: "ts-whisker", x1: at(bar.low), x2: at(bar.high), y1: y, y2: y });
    }
  }

  return { svg: chart.svg, draw: chart.draw };
}
