/* Small SVG charts that are updated in place. This file: what all charts share, and the chart over time.

   A chart is made once in an element of its own and drawn again with `draw(data)`; only what changed is written.
   Nothing is read back from the page while drawing, so a draw costs about a millisecond. All text enters by
   textContent. Colours and strokes stand in style.css, by class. Time runs from left to right in every language; in
   right-to-left pages texts are anchored the other way round and bars grow from the right. */

/** The size of type in pixels for which margins and places are given; a chart with larger type grows with it. */
const TYPE = 13;
const SVG = "http://www.w3.org/2000/svg";
const written = new WeakMap();

/** Write attributes of a node where they differ from what was written last. */
export function set(node, attributes) {
  let known = written.get(node);
  if (!known) written.set(node, (known = {}));
  for (const name in attributes) {
    let value = attributes[name];
    if (typeof value === "number") value = Math.round(value * 10) / 10;
    if (known[name] === value) continue;
    known[name] = value;
    node.setAttribute(name, value);
  }
}

/** Write a text where it differs from what stands there. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Return a new SVG node inside another. */
export function add(parent, name, classes) {
  const node = document.createElementNS(SVG, name);
  if (classes) node.setAttribute("class", classes);
  parent.append(node);
  return node;
}

/** Return nodes kept by key: made when first asked for; `done` removes those not asked for since the last `done`. */
export function pool(parent, make) {
  const nodes = new Map();
  let asked = new Set();
  return {
    get(key) {
      asked.add(key);
      if (!nodes.has(key)) nodes.set(key, make(parent, key));
      return nodes.get(key);
    },
    done() {
      for (const [key, node] of nodes) {
        if (asked.has(key)) continue;
        node.remove();
        nodes.delete(key);
      }
      asked = new Set();
    },
  };
}

/** Return round steps that cover `low` to `high` in at most about `most` intervals: `{low, high, ticks, step}`. */
export function niceScale(low, high, most = 5) {
  const rough = (high - low || Math.abs(high) || 1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = [];
  for (let i = first; i <= last; i++) ticks.push(i * step);
  return { low: first * step, high: last * step, ticks, step };
}

/** Return positions pushed apart by at least `gap` inside `top` to `bottom`, in the order in which they were. */
export function spread(wanted, gap, top, bottom) {
  const order = wanted.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at);
  let edge = top - gap;
  for (const each of order) edge = each.at = Math.max(each.at, edge + gap);
  edge = bottom + gap;
  for (const each of order.reverse()) edge = each.at = Math.min(each.at, edge - gap);
  const placed = [];
  for (const each of order) placed[each.i] = each.at;
  return placed;
}

/** Return the value at a time, linear between the points and level beyond them. */
export function valueAt(times, values, at) {
  let low = 0;
  let high = times.length - 1;
  if (at <= times[0]) return values[0];
  if (at >= times[high]) return values[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= at) low = middle;
    else high = middle;
  }
  return values[low] + ((values[high] - values[low]) * (at - times[low])) / (times[high] - times[low]);
}

/** Return a number to a tenth. */
export const tenth = (value) => Math.round(value * 10) / 10;

/** Return the path of a line; a value that is no number lifts the pen. Points closer than `least` pixels are left
    out. */
export function linePath(times, values, x, y, least = 1.2) {
  let path = "";
  let pen = "M";
  let edge = -Infinity;
  const last = times.length - 1;
  for (let i = 0; i <= last; i++) {
    if (!Number.isFinite(values[i])) {
      pen = "M";
      continue;
    }
    const at = x(times[i]);
    if (at - edge < least && i < last && pen === "L") continue;
    path += pen + tenth(at) + " " + tenth(y(values[i]));
    edge = at;
    pen = "L";
  }
  return path;
}

/** Return the closed path between two lines, with points at least `least` pixels apart. */
export function areaPath(times, low, high, x, y, least = 1.2) {
  let there = "";
  let back = "Z";
  let edge = -Infinity;
  const last = times.length - 1;
  for (let i = 0; i <= last; i++) {
    const at = x(times[i]);
    if (at - edge < least && i < last) continue;
    there += (edge === -Infinity ? "M" : "L") + tenth(at) + " " + tenth(y(high[i]));
    back = "L" + tenth(at) + " " + tenth(y(low[i])) + back;
    edge = at;
  }
  return there + back;
}

/** Put words at a place from which they reach to the `left`, the `right` or `both` ways, whatever way they are
    read. */
export function label(node, x, y, words, classes, reach, direction) {
  const anchor = reach === "both" ? "middle" : (reach === "right") === (direction !== "rtl") ? "start" : "end";
  set(node, { x, y, class: classes, "text-anchor": anchor, direction: direction === "rtl" ? "rtl" : "ltr" });
  write(node, words);
}

/** Return an SVG that follows the width of its host; `heightOf(width)` gives its height, `redraw` paints it. */
function surface(host, classes, heightOf, redraw) {
  const svg = add(host, "svg", `ts-svg ${classes}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const size = { width: 0, height: 0 };
  const fit = (width) => {
    width = Math.round(width);
    if (!width) return;
    const height = Math.round(heightOf(width));
    if (width === size.width && height === size.height) return;
    Object.assign(size, { width, height });
    set(svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    redraw();
  };
  new ResizeObserver((entries) => fit(entries[entries.length - 1].contentRect.width)).observe(host);
  return { svg, size, fit: () => fit(size.width || host.clientWidth) };
}

/** Call back with the time under the pointer, and null where there is none. */
function watchPointer(host, timeAt, onCursor) {
  const tell = (event) => onCursor(timeAt(event.clientX - host.getBoundingClientRect().left));
  host.addEventListener("pointermove", tell);
  host.addEventListener("pointerdown", tell);
  host.addEventListener("pointerleave", () => onCursor(null));
}

/** Return what every chart is built on: `{chart: {svg, draw(data), cursor(time or null)}, layer(name, make)}`.

    `options` has `height(width)`, `onCursor` where the chart has an axis of time, and `margin`. `paint(data, plot)` draws
    it; `plot` is {width, height, left, right, top, bottom} and, where the data have an axis `x` of time, `x(time)`. */
export function shell(host, classes, options, paint) {
  const margin = options.margin;
  const { svg, size, fit } = surface(host, classes, options.height, () => again());
  let data = null;
  let plot = null;

  function again() {
    if (!data || !size.width) return;
    const [left, right] = [margin.left, size.width - margin.right];
    plot = { ...size, left, right, top: margin.top, bottom: size.height - margin.bottom, grown: options.grown ?? 1 };
    const { from, to } = data.x ?? {};
    plot.x = (time) => left + ((time - from) / (to - from)) * (right - left);
    paint(data, plot);
  }

  function timeAt(at) {
    if (!data || !plot) return null;
    const share = (at - plot.left) / (plot.right - plot.left);
    return share < 0 || share > 1 ? null : data.x.from + share * (data.x.to - data.x.from);
  }

  function draw(next) {
    data = next;
    if (size.width) again();
    else fit();
  }

  if (options.onCursor) watchPointer(host, timeAt, options.onCursor);
  const cursor = (at) => data && draw({ ...data, cursor: at });
  return { chart: { svg, draw, cursor }, layer: (name, make) => pool(add(svg, "g", `ts-${name}`), make) };
}

/** Draw the axis of time below a plot: ticks with their words and a label, by `line(key)` and `text(key)`. */
export function timeAxis(axis, plot, direction, line, text) {
  for (const tick of axis.ticks) {
    const at = plot.x(tick);
    set(line(`lx${tick}`), { class: "ts-axis", x1: at, x2: at, y1: plot.bottom, y2: plot.bottom + 4 });
    label(text(`tx${tick}`), at, plot.bottom + 4 + 13 * plot.grown, axis.format(tick), "ts-tick", "both", direction);
  }
  if (axis.label) label(text("tx"), plot.right, plot.height - 5, axis.label, "ts-axis-label", "left", direction);
}

/** Draw spans of time behind a plot, and return those in sight: [{left, right, label}]. */
export function timeWindows(windows, plot, rect) {
  return (windows ?? []).map((each) => {
    const left = Math.max(plot.x(each.from), plot.left);
    const right = Math.max(Math.min(plot.x(each.to), plot.right), left);
    const height = plot.bottom - plot.top;
    set(rect(each.label), { class: "ts-window", x: left, width: right - left, y: plot.top, height });
    return { left, right, label: each.label };
  });
}

/** Return margins for type that is so many times as large. */
function scaled(margin, grown) {
  return Object.fromEntries(Object.entries(margin).map(([side, value]) => [side, value * grown]));
}

/** Return a ruler of texts in an SVG, in the type that its style gives: {size, width(words)}. It reads the style once
    and never the page, so that drawing does not wait for the layout. */
function rulerOf(svg) {
  const pen = document.createElement("canvas").getContext("2d");
  const widths = new Map();
  const { fontSize, fontFamily } = getComputedStyle(svg);
  pen.font = `600 ${fontSize} ${fontFamily}`;
  function width(words) {
    if (widths.size > 2000) widths.clear();
    if (!widths.has(words)) widths.set(words, pen.measureText(words).width);
    return widths.get(words);
  }
  return { size: parseFloat(fontSize), width };
}

/** Return whether two boxes {left, right, top, bottom} share a place. */
function touch(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

/** Make a chart over time in `host`.

    `options`: `height(width)`, `margin` {left, right, top, bottom}, `type` (the size of type in pixels, else 13), `small` (a panel: fewer ticks, no words at
    events), `onCursor(time or null)`. Returns `{svg, draw(data), cursor(time or null)}`. Of `data`: `time`, for
    what has no times of its own; `lines` [{id, kind, values, time?, label?}]; `bands` [{id, kind, low, high, time?,
    label?}]; `windows` [{from, to, label}]; `marks` [{at, label}]; `x` {from, to, ticks, label, format(value,
    exact)}; `y` {from?, to?, scale? {low, high, ticks}, label, format(value, exact, step)};
    `direction` "ltr" or "rtl"; `stale` fades the bands of worlds; `cursor` a time or null. Kinds of lines: now, pinned, second, third; of
    bands: worlds, pinned, gap. */
export function timeChart(host, options) {
  const grown = options.type ? options.type / TYPE : 1;
  const margin = scaled({ left: 46, right: 14, top: 26, bottom: 36, ...options.margin }, grown);
  const classes = options.small ? "ts-small" : "ts-large";
  const { chart, layer } = shell(host, classes, { ...options, margin, grown }, paint);
  if (options.type) chart.svg.style.fontSize = `${options.type}px`;
  const windows = layer("windows", (parent) => add(parent, "rect"));
  const grid = layer("grid", (parent, key) => add(parent, key[0] === "l" ? "line" : "text"));
  const bands = layer("bands", (parent) => add(parent, "path"));
  const lines = layer("lines", (parent) => add(parent, "path"));
  const marks = layer("marks", (parent) => add(parent, "line", "ts-mark"));
  const texts = layer("labels", (parent) => add(parent, "text"));
  const kinds = { d: "circle", t: "text", l: "line" };
  const pointer = layer("pointer", (parent, key) => add(parent, kinds[key[0]]));
  let data, plot, x, y, ruler;
  let taken = [];

  const put = (node, at, words, classes, reach) => label(node, at[0], at[1], words, classes, reach, data.direction);

  function extent() {
    let low = data.y.from ?? Infinity;
    let high = data.y.to ?? -Infinity;
    const look = (values) => {
      for (const value of values) {
        if (value < low) low = value;
        if (value > high && value < Infinity) high = value;
      }
    };
    for (const each of data.lines) look(each.values);
    for (const each of data.bands) for (const values of [each.low, each.high]) look(values);
    return low < high ? [low, high] : [low, low + 1];
  }

  function axes({ ticks, step }) {
    for (const tick of ticks) {
      const at = y(tick);
      const classes = Math.abs(tick) < 1e-12 ? "ts-axis" : "ts-gridline";
      set(grid.get(`ly${tick}`), { class: classes, x1: plot.left, x2: plot.right, y1: at, y2: at });
      put(grid.get(`ty${tick}`), [plot.left - 6, at + 4 * grown], data.y.format(tick, false, step), "ts-tick", "left");
    }
    timeAxis(data.x, plot, data.direction, grid.get, grid.get);
    if (data.y.label) put(grid.get("ty"), [2, 12 * grown], data.y.label, "ts-axis-label", "right");
    grid.done();
  }

  /** Return the box of words that begin at a place on their base line. */
  function boxOf(left, base, words) {
    return { left, right: left + ruler.width(words), top: base - 0.9 * ruler.size, bottom: base + 0.25 * ruler.size };
  }

  /** Write words that give way to what is read at the cursor. */
  function yielding(key, left, base, words, classes) {
    const box = boxOf(left, base, words);
    if (!taken.some((each) => touch(each, box))) put(texts.get(key), [left, base], words, classes, "right");
  }

  function events() {
    for (const each of timeWindows(data.windows, plot, windows.get))
      if (!options.small && each.right > each.left) say(`w${each.label}`, (each.left + each.right) / 2, 14, each.label);
    windows.done();
    for (const each of data.marks ?? []) {
      if (each.at < data.x.from || each.at > data.x.to) continue;
      const at = x(each.at);
      set(marks.get(each.label), { x1: at, x2: at, y1: plot.top, y2: plot.bottom });
      if (!options.small) say(`m${each.label}`, at, 30, each.label);
    }
    marks.done();
  }

  function say(key, at, below, words) {
    const width = ruler.width(words);
    yielding(key, inside(at - width / 2, width), plot.top + below, words, "ts-event");
  }

  /** Return where words of a width begin so that they stay inside the plot. */
  function inside(left, width) {
    return Math.max(Math.min(left, plot.right - width - 2), plot.left + 3);
  }

  function names() {
    const shown = [...data.lines, ...data.bands].filter((each) => each.label);
    const last = (values) => values[values.length - 1];
    const ends = shown.map((each) => y(each.values ? last(each.values) : (last(each.low) + last(each.high)) / 2));
    const beside = margin.right > 40;
    const placed = spread(ends, ruler.size + 3, plot.top + (beside ? 4 : ruler.size + 6), plot.bottom - 2);
    shown.forEach((each, i) => {
      const classes = `ts-label ts-label-${each.kind}`;
      if (beside) put(texts.get(`l${each.id}`), [plot.right + 6, placed[i] + 4], each.label, classes, "right");
      else yielding(`l${each.id}`, plot.right - 2 - ruler.width(each.label), placed[i] - 6, each.label, classes);
    });
    texts.done();
  }

  /** Read the lines at the cursor, one word below the other, the time lowest; note the room that they take. */
  function reading(step) {
    taken = [];
    if (typeof data.cursor === "number") {
      const at = x(data.cursor);
      set(pointer.get("line"), { class: "ts-cursor", x1: at, x2: at, y1: plot.top, y2: plot.bottom });
      const told = data.lines.map((each) => {
        const value = valueAt(each.time ?? data.time, each.values, data.cursor);
        set(pointer.get(`d${each.id}`), { class: `ts-dot ts-dot-${each.kind}`, cx: at, cy: y(value), r: 4 });
        const words = data.y.format(value, true, step);
        return { key: `t${each.id}`, wanted: y(value), words, classes: `ts-reading ts-label-${each.kind}` };
      });
      told.push({ key: "time", wanted: plot.bottom, words: data.x.format(data.cursor, true), classes: "ts-reading" });
      beside(at, told.filter((each) => each.words));
    }
    pointer.done();
  }

  function beside(at, told) {
    const { size } = ruler;
    const placed = spread(told.map((each) => each.wanted), 1.3 * size, plot.top + 0.6 * size, plot.bottom - 0.8 * size);
    told.forEach(({ key, words, classes }, i) => {
      const width = ruler.width(words);
      const left = inside(at > (plot.left + plot.right) / 2 ? at - 8 - width : at + 8, width);
      const base = placed[i] + 0.35 * size;
      put(pointer.get(key), [left, base], words, classes, "right");
      taken.push(boxOf(left, base, words));
    });
  }

  function paint(next, frame) {
    ruler ??= rulerOf(chart.svg);
    [data, plot, x] = [next, frame, frame.x];
    const scale = data.y.scale ?? niceScale(...extent(), options.small || (options.type && plot.bottom - plot.top < 8 * options.type) ? 3 : 5);
    y = (value) => plot.bottom - ((value - scale.low) / (scale.high - scale.low)) * (plot.bottom - plot.top);
    axes(scale);
    reading(scale.step);
    events();
    for (const band of data.bands) {
      const classes = `ts-band ts-band-${band.kind}${data.stale && band.kind === "worlds" ? " ts-stale" : ""}`;
      set(bands.get(band.id), { class: classes, d: areaPath(band.time ?? data.time, band.low, band.high, x, y) });
    }
    bands.done();
    for (const line of data.lines) {
      const d = linePath(line.time ?? data.time, line.values, x, y);
      set(lines.get(line.id), { class: `ts-line ts-line-${line.kind}`, d });
    }
    lines.done();
    names();
  }

  return chart;
}
