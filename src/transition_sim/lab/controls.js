/* The levers on the page: sliders and choices, made from what the page's facts say of them. */

import { isMoved, usualOf, valueOf } from "./levers.js";

/** Return a new element with classes, attributes and children (text or elements). */
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

/** Return how a lever at an index is said: a number by its unit in the model, an option by its name. */
export function leverText(lever, index, speak) {
  if (lever.options) return optionText(lever, lever.options[index].id, speak);
  const value = valueOf(lever, index);
  if (lever.unit === "Month") return speak.months(value);
  if (lever.unit === "Dmnl" && lever.share) return speak.percent(value);
  return lever.unit === "Dmnl" ? speak.short(value) : `${speak.short(value)} ${speak.say(`unit.${lever.unit}`)}`;
}

function optionText(lever, option, speak) {
  const own = `lever.${lever.id}.${option}`;
  return speak.say(speak.has(own) ? own : `option.${option}`);
}

/** Fill `host` with the controls of a model's levers, under headings. Returns `show(state)`, which sets them to a state.

    `onPreview(i, index)` while a slider moves, `onSet(i, index)` when it is let go or another control is used. */
export function controls(host, levers, panels, speak, onPreview, onSet) {
  const shown = [];
  host.replaceChildren();
  for (const id in panels.groups) {
    const body = make("div", { class: "group-body" });
    const summary = make("summary", {}, speak.say(`group.${id}`));
    host.append(make("details", { class: "group", open: panels.open.includes(id) }, summary, body));
    for (const name of panels.groups[id]) {
      const i = levers.findIndex((lever) => lever.id === name);
      const control = levers[i].options ? choice(levers[i], i) : slider(levers[i], i);
      body.append(control.node);
      shown.push(control.show);
    }
  }

  function about(lever) {
    const own = make("p", {}, speak.say(`lever.${lever.id}.help`));
    const sources = lever.documentation.map((text) => make("p", { lang: "en", dir: "ltr", class: "source" }, text));
    return make("details", { class: "about" }, make("summary", {}, speak.say("lever.about")), own, ...sources);
  }

  function slider(lever, i) {
    const id = `lever-${lever.id}`;
    const value = make("output", { for: id, class: "value" });
    const input = make("input", {
      type: "range", id, min: 0, max: lever.count - 1, step: 1,
      oninput: () => onPreview(i, Number(input.value)),
      onchange: () => onSet(i, Number(input.value)),
    });
    const back = make("button", { type: "button", class: "quiet", hidden: true });
    const head = make("div", { class: "lever-head" }, make("label", { for: id }, speak.say(`lever.${lever.id}`)), value);
    const foot = make("div", { class: "lever-foot" }, about(lever), back);
    const node = make("div", { class: "lever" }, head, input, foot);
    function show(state) {
      const words = leverText(lever, state[i], speak);
      if (Number(input.value) !== state[i]) input.value = String(state[i]);
      if (value.textContent !== words) value.textContent = words;
      if (input.getAttribute("aria-valuetext") !== words) input.setAttribute("aria-valuetext", words);
      const changed = isMoved(levers, state, i);
      if (back.hidden !== changed) return;
      const usual = usualOf(lever, state[0]);
      back.hidden = !changed;
      back.textContent = speak.say("lever.back", { value: leverText(lever, usual, speak) });
      back.onclick = () => onSet(i, usual);
      node.classList.toggle("changed", changed);
    }
    return { node, show };
  }

  function choice(lever, i) {
    const buttons = lever.options.map((option, k) =>
      make("input", { type: "radio", name: `lever-${lever.id}`, value: k, onchange: () => onSet(i, k) }),
    );
    const labels = lever.options.map((option, k) =>
      make("label", { class: "choice" }, buttons[k], make("span", {}, optionText(lever, option.id, speak))),
    );
    const legend = make("legend", {}, speak.say(`lever.${lever.id}`));
    const foot = make("div", { class: "lever-foot" }, about(lever));
    const node = make("fieldset", { class: "lever" }, legend, make("div", { class: "choices" }, ...labels), foot);
    function show(state) {
      if (!buttons[state[i]].checked) buttons[state[i]].checked = true;
      node.classList.toggle("changed", isMoved(levers, state, i));
    }
    return { node, show };
  }

  return { show: (state) => shown.forEach((set) => set(state)) };
}
