/* Elements of a page. All text enters by textContent or as a child, so that no text becomes markup. */

/** What is set as it is now, where an attribute would only say how it began. */
const STATES = new Set(["value", "checked", "disabled"]);

/** Return a new element with attributes and children (text, elements, lists of them; nothing is left out). `on...` are
    listeners, `true` is an attribute without a value, `false` and what is missing leave one out. */
export function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const name in attributes ?? {}) {
    const value = attributes[name];
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (STATES.has(name)) node[name] = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...present(children));
  return node;
}

/** Return children as one list, without what is missing. */
export function present(children) {
  return children.flat(9).filter((each) => each !== null && each !== undefined && each !== false);
}
