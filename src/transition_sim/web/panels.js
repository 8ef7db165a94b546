/* More charts that are updated in place: rows of drivers over one axis of time, and bars of amounts. */

import { add, label, linePath, pool, set, surface, valueAt, watchPointer } from "./charts.js";

const tenth = (value) => Math.round(value * 10) / 10;

/** Make rows over one axis of time in `host`: each driver its own row, raised above its base line or sunk below it.

    All rows share one scale; a row is as high as it needs. `options`: `height(width)`, `margin`, `onCursor`. Of
    `data`: `time`; `rows` [{id, label, values, pinned?}]; `x` and `direction` as of a chart over time; `windows`;
    `format(value)` for the reading beside a row; `cursor` a time or null (then the last time is read). */
export function rowsChart(host, options) {
  const margin = { left: 8, right: 64, top: 8, bottom: 36, ...options.margin };
  const { svg, size, fit } = surface(host, "ts-rows", options.height, () => paint());
  const layer = (name, make) => pool(add(svg, "g", `ts-${name}`), make);
  const windows = layer("windows", (parent) => add(parent, "rect", "ts-window"));
  const areas = layer("areas", (parent) => add(parent, "path"));
  const lines = layer("lines", (parent, key) => add(parent, key[0] === "p" ? "path" : "line"));
  const texts = layer("labels", (parent) => add(parent, "text"));
  let data = null;
  let plot, x;

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

  function axis() {
    for (const tick of data.x.ticks) {
      const at = x(tick);
      set(lines.get(`x${tick}`), { class: "ts-axis", x1: at, x2: at, y1: plot.bottom, y2: plot.bottom + 4 });
      put(`x${tick}`, [at, plot.bottom + 17], data.x.format(tick), "ts-tick", "both");
    }
    if (data.x.label) put("x", [plot.right, size.height - 4], data.x.label, "ts-axis-label", "left");
    for (const each of data.windows ?? []) {
      const left = Math.max(x(each.from), plot.left);
      const width = Math.max(Math.min(x(each.to), plot.right) - left, 0);
      set(windows.get(each.label), { x: left, width, y: plot.top, height: plot.bottom - plot.top });
    }
    windows.done();
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

  function paint() {
    if (!data || !size.width) return;
    const { from, to } = data.x;
    plot = {
      left: margin.left,
      right: size.width - margin.right,
      top: margin.top,
      bottom: size.height - margin.bottom,
    };
    x = (time) => plot.left + ((time - from) / (to - from)) * (plot.right - plot.left);
    const read = typeof data.cursor === "number" ? data.cursor : to;
    axis();
    lanes().forEach((lane, i) => row(data.rows[i], lane, read));
    if (typeof data.cursor === "number") {
      const at = x(data.cursor);
      set(lines.get("cursor"), { class: "ts-cursor", x1: at, x2: at, y1: plot.top, y2: plot.bottom });
    }
    for (const each of [areas, lines, texts]) each.done();
  }

  function timeAt(at) {
    if (!data || !plot) return null;
    const share = (at - plot.left) / (plot.right - plot.left);
    return share < 0 || share > 1 ? null : data.x.from + share * (data.x.to - data.x.from);
  }

  if (options.onCursor) watchPointer(host, timeAt, options.onCursor);
  const draw = (next) => {
    data = next;
    if (size.width) paint();
    else fit();
  };
  return { svg, draw, cursor: (at) => data && draw({ ...data, cursor: at }) };
}

/** Make horizontal bars in `host`, each with its name and its amount above it, one scale for all.

    `options`: `height(width)`. Of `data`: `bars` [{id, label, value, pinned?, kind, low?, high?}] with kinds need,
    plain, good, loss; `format(bar)`; `direction`. A pinned value is a dashed mark, `low` to `high` a whisker. */
export function barsChart(host, options) {
  const { svg, size, fit } = surface(host, "ts-bars", options.height, () => paint());
  const rects = pool(add(svg, "g", "ts-bar-areas"), (parent) => add(parent, "rect"));
  const lines = pool(add(svg, "g", "ts-bar-marks"), (parent) => add(parent, "line"));
  const texts = pool(add(svg, "g", "ts-labels"), (parent) => add(parent, "text"));
  let data = null;

  function paint() {
    if (!data || !size.width) return;
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

  const draw = (next) => {
    data = next;
    if (size.width) paint();
    else fit();
  };
  return { svg, draw };
}
