/* Elements of the page. All text enters by textContent, so that no title of a file becomes markup. */

let count = 0;

/** Return an id that no other element has. */
export function newId() {
  count += 1;
  return `ts-explorer-${count}`;
}

/** Return a new element with attributes (those that are null are left out) and children: elements or text. */
export function make(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const key in attributes ?? {}) if (attributes[key] != null) node.setAttribute(key, attributes[key]);
  node.append(...children);
  return node;
}

/** Write a text where it differs from what stands there. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
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
