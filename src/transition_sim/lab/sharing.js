/* What leaves the page: a table, a picture. Everything says what the model is and is not. */

import { add, set } from "./charts.js";

const SCALE = 2;

/** Offer a file for download; nothing is sent anywhere. */
export function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Return a table as CSV: lines of notes, then names with units, then a row for each month of the line.

    Of a band there are three columns for each of its tables, empty at the times that it was not kept at; the one of
    the cumulative hazard is the probability of relapse over frailty. */
export function tableText(notes, line, band, units, cumulative) {
  const names = Object.keys(line.series);
  const risk = "risk of relapse over frailty";
  const tables = band ? Object.keys(band.tables) : [];
  const head = ["time (Month)", ...names.map((name) => `${name} (${units[name]})`), `${risk} (Dmnl)`];
  const ofWorlds = tables.flatMap((name) =>
    ["p10", "median", "p90"].map((level) => `${name === cumulative ? risk : name}: ${level} over worlds`),
  );
  const rows = Array.from(line.time, (time, t) => {
    const at = band ? band.time.indexOf(time) : -1;
    const worlds = tables.flatMap((name) => band.tables[name].map((values) => (at < 0 ? "" : values[at])));
    return [time, ...names.map((name) => line.series[name][t]), line.risk[t], ...worlds];
  });
  const body = [[...head, ...ofWorlds], ...rows].map((row) => row.map((cell) => quoted(String(cell))).join(","));
  return [...notes.map((note) => quoted(`# ${note}`)), ...body].join("\r\n") + "\r\n";
}

const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "paint-order",
  "font-size",
  "font-weight",
  "font-family",
  "direction",
  "text-anchor",
];

/** Return a copy of a chart that carries its styles with it. */
function carried(svg) {
  const copy = svg.cloneNode(true);
  const from = [svg, ...svg.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value) to[i].setAttribute(name, value);
    }
    to[i].removeAttribute("class");
  });
  return copy;
}

/** Break words into lines no wider than `width` pixels. */
function lines(text, font, width) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  const result = [];
  let line = "";
  for (const word of text.split(/[ \n]+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > width) {
      result.push(line);
      line = word;
    } else line = longer;
  }
  return [...result, line];
}

/** Return a chart as a PNG: its title above it, notes below it. */
export function picture(svg, title, notes, direction) {
  const family = getComputedStyle(svg).fontFamily;
  const width = Math.max(Number(svg.getAttribute("width")), 320);
  const height = Number(svg.getAttribute("height"));
  const pad = 16;
  const titles = lines(title, `600 17px ${family}`, width);
  const small = notes.flatMap((note) => lines(note, `12px ${family}`, width));
  const top = pad + titles.length * 23 + 8;
  const whole = add(new DocumentFragment(), "svg");
  const full = { width: width + 2 * pad, height: top + height + 14 + small.length * 17 + pad };
  set(whole, { ...full, direction });
  set(add(whole, "rect"), { ...full, fill: "#ffffff" });
  const put = (text, y, size, weight) => {
    const node = add(whole, "text");
    const x = direction === "rtl" ? full.width - pad : pad;
    set(node, { x, y, "font-size": size, "font-weight": weight, "font-family": family, fill: "#1b1f24" });
    node.textContent = text;
  };
  const chart = carried(svg);
  chart.setAttribute("x", pad);
  chart.setAttribute("y", top);
  whole.append(chart);
  titles.forEach((text, i) => put(text, pad + 17 + i * 23, 17, 600));
  small.forEach((text, i) => put(text, top + height + 24 + i * 17, 12, 400));
  return drawn(new XMLSerializer().serializeToString(whole), full);
}

function drawn(text, { width, height }) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onerror = () => reject(new Error("the picture could not be drawn"));
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = width * SCALE;
      canvas.height = height * SCALE;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
}
