/* The levers on the page: sliders and choices, made from what the page's facts say of them. */

import { write } from "./charts.js";
import { usualOf, usualState, valueOf } from "./codec.js";
import { WIDE } from "./drawing.js";
import { make } from "./elements.js";
import { choiceOf, isMoved } from "./levers.js";

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

/** Fill `host` with the controls of a model's levers, under headings. Returns `show(state)`, which sets them to a
    state.

    `onPreview(i, index)` while a slider moves, `onSet(i, index)` when it is let go or another control is used,
    `onSwitch(choice)` when a switch is. */
export function controls(host, table, panels, speak, { onPreview, onSet, onSwitch }) {
  const { levers, switches } = table;
  const shown = [];
  host.replaceChildren();
  for (const id in panels.groups) {
    const body = make("div", { class: "group-body" });
    const summary = make("summary", {}, speak.say(`group.${id}`));
    const open = panels.open.includes(id) && (matchMedia(WIDE).matches || id === panels.open[0]);
    host.append(make("details", { class: "group", open }, summary, body));
    for (const name of panels.groups[id]) {
      const control = controlOf(name);
      body.append(control.node);
      shown.push(control.show);
    }
  }

  function controlOf(name) {
    const i = levers.findIndex((lever) => lever.id === name);
    if (i < 0) return toggle(switches.find((each) => each.id === name));
    return levers[i].options ? choice(levers[i], i) : slider(levers[i], i);
  }

  /** Return a button that shows and hides what a lever means and what its model says of it. */
  function about(lever) {
    const id = `about-${lever.id}`;
    const own = make("p", {}, speak.say(`lever.${lever.id}.help`));
    const sources = lever.documentation.map((text) => make("p", { lang: "en", dir: "ltr", class: "source" }, text));
    const text = make("div", { id, class: "about", hidden: true }, own, ...sources);
    const button = make(
      "button",
      { type: "button", class: "help", "aria-expanded": "false", "aria-controls": id },
      "?",
    );
    button.setAttribute("aria-label", speak.say("lever.about", { lever: speak.say(`lever.${lever.id}`) }));
    button.addEventListener("click", () => {
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", String(!text.hidden));
    });
    return { button, text };
  }

  function slider(lever, i) {
    const id = `lever-${lever.id}`;
    const value = make("output", { for: id, class: "value" });
    const input = make("input", {
      type: "range",
      id,
      min: 0,
      max: lever.count - 1,
      step: 1,
      oninput: () => onPreview(i, Number(input.value)),
      onchange: () => onSet(i, Number(input.value)),
    });
    const back = make("button", { type: "button", class: "quiet", hidden: true });
    const { button, text } = about(lever);
    const name = make("label", { for: id }, speak.say(`lever.${lever.id}`));
    const node = make(
      "div",
      { class: "lever" },
      make("div", { class: "lever-head" }, name, value, button),
      input,
      back,
      text,
    );
    function show(state) {
      const words = leverText(lever, state[i], speak);
      if (Number(input.value) !== state[i]) input.value = String(state[i]);
      write(value, words);
      if (input.getAttribute("aria-valuetext") !== words) input.setAttribute("aria-valuetext", words);
      const changed = isMoved(table, state, i);
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
    const { node, check } = radios(lever, lever.options, (k) => onSet(i, k));
    return { node, show: (state) => check(state[i], isMoved(table, state, i)) };
  }

  /** Return a switch, which puts levers at once; where these stand otherwise, it says that too. */
  function toggle(each) {
    const own = { id: "own" };
    const { node, check } = radios(each, [...each.choices, own], (k) => k < each.choices.length && onSwitch(each.choices[k]));
    const last = node.querySelector(".choice:last-child");
    function show(state) {
      const holds = choiceOf(table, state, each);
      last.hidden = holds >= 0;
      check(holds < 0 ? each.choices.length : holds, holds !== choiceOf(table, usualState(table, state[0]), each));
    }
    return { node, show };
  }

  /** Return radio buttons under a name, and `check(k, changed)`. */
  function radios(lever, options, onChoice) {
    const buttons = options.map((option, k) =>
      make("input", { type: "radio", name: `lever-${lever.id}`, value: k, onchange: () => onChoice(k) }),
    );
    const labels = options.map((option, k) =>
      make("label", { class: "choice" }, buttons[k], make("span", {}, optionText(lever, option.id, speak))),
    );
    const legend = make("legend", {}, speak.say(`lever.${lever.id}`));
    const { button, text } = about(lever);
    const line = make("div", { class: "choice-line" }, make("div", { class: "choices" }, ...labels), button);
    const node = make("fieldset", { class: "lever" }, legend, line, text);
    function check(k, changed) {
      if (!buttons[k].checked) buttons[k].checked = true;
      node.classList.toggle("changed", changed);
    }
    return { node, check };
  }

  return { show: (state) => shown.forEach((set) => set(state)) };
}
