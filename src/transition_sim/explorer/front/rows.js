/* Attributes and tables that are written again only where they change, and ids of elements. */

import { write as say } from "./charts.js";
import { make } from "./elements.js";

let count = 0;

/** Return an id that no other element has. */
export function newId() {
  count += 1;
  return `ts-explorer-${count}`;
}

/** Set or remove an attribute where that changes it. */
export function mark(node, name, value) {
  if (value == null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Fill the body of a table with rows of texts; the first cell of each heads its row. */
export function fillRows(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((texts, i) => {
    const row = body.rows[i] ?? body.insertRow();
    while (row.cells.length > texts.length) row.deleteCell(-1);
    texts.forEach((text, j) => {
      const cell = row.cells[j] ?? row.appendChild(j ? make("td") : make("th", { scope: "row" }));
      say(cell, text);
    });
  });
}
