/* Elements of a page. All text enters by textContent or as a child, so that no text becomes markup. */

/** Return a new element with attributes and children (text or elements). `on...` are listeners, `true` is an attribute
    without a value, `false` and what is missing leave one out. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const name in attributes) {
    const value = attributes[name];
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
