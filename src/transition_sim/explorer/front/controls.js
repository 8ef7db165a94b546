/* Sliders, choices and buttons. What was moved is asked for; what is shown afterwards comes from Python. */

import { write as say } from "./charts.js";
import { make } from "./elements.js";
import { mark, newId } from "./rows.js";

const PAUSE = 1000;
const BUTTONS = [
  ["undo", "Undo", "canUndo"],
  ["redo", "Redo", "canRedo"],
  ["reset", "Reset", "canUndo"],
];

/** Make the controls of an explorer: `{element, sync(shown)}`. `ask(message)` is called with each request. */
export function controlsOf(setup, ask) {
  const moved = {};
  const parts = [];
  const move = (name, value, movement) => {
    moved[name] = value;
    ask({ do: "set", values: { ...moved }, movement });
  };
  const element = make("form", { class: "ts-controls", "aria-label": "Setting" });
  parts.push(buttons(element, ask));
  element.addEventListener("submit", (event) => event.preventDefault());
  for (const group of new Set(setup.controls.map((control) => control.group))) {
    const box = make("fieldset", {}, make("legend", {}, group));
    const own = setup.controls.filter((control) => control.group === group);
    if (own[0].kind === "effort") parts.push(options(box, setup.options, ask));
    for (const control of own) parts.push(control.kind === "choice" ? choice(box, control, move) : slider(box, control, move));
    if (own[0].kind === "effort") parts.push(total(box, own));
    element.append(box);
  }
  return {
    element,
    /** Show where everything stands; what was refused stays as it was moved, and is asked for again with the next move. */
    sync(shown) {
      if (!shown.error) for (const name in moved) delete moved[name];
      for (const part of parts) part(shown, moved);
    },
  };
}

function row(box, name, input, output) {
  const hint = make("p", { class: "ts-hint", id: newId() });
  mark(input, "aria-describedby", hint.id);
  box.append(make("div", { class: "ts-control" }, make("label", { for: input.id }, name), output, input, hint));
  return hint;
}

function slider(box, control, move) {
  const input = make("input", { type: "range", id: newId(), step: control.step });
  const output = make("output", { for: input.id });
  const hint = row(box, control.label, input, output);
  let movement = 0;
  let last = -Infinity;
  input.addEventListener("pointerdown", () => (movement += 1));
  input.addEventListener("keydown", (event) => {
    if (event.timeStamp - last > PAUSE) movement += 1;
    last = event.timeStamp;
  });
  input.addEventListener("blur", () => (movement += 1));
  input.addEventListener("input", () => {
    tell(control.form.replace("{}", input.value));
    move(control.name, Number(input.value), `${input.id}-${movement}`);
  });
  const tell = (words) => {
    say(output, words);
    mark(input, "aria-valuetext", control.kind === "effort" ? `${words} effort-months` : words);
  };
  return (shown, moved) => {
    const [low, high] = shown.reach[control.name];
    mark(input, "min", low);
    mark(input, "max", high);
    say(hint, shown.hints[control.name] ?? "");
    if (control.name in moved) return;
    if (input.value !== String(shown.values[control.name])) input.value = shown.values[control.name];
    tell(shown.words[control.name]);
  };
}

function choice(box, control, move) {
  const input = make("select", { id: newId() });
  for (const [value, words] of control.choices) input.append(make("option", { value }, words));
  const between = make("option", { disabled: "", hidden: "", value: "" });
  input.append(between);
  const hint = row(box, control.label, input, "");
  let movement = 0;
  input.addEventListener("change", () => {
    movement += 1;
    move(control.name, Number(input.value), `${input.id}-${movement}`);
  });
  return (shown, moved) => {
    say(hint, shown.hints[control.name] ?? "");
    if (control.name in moved) return;
    const value = String(shown.values[control.name]);
    const known = control.choices.some(([each]) => String(each) === value);
    say(between, known ? "" : shown.words[control.name]);
    input.value = known ? value : "";
  };
}

function options(box, known, ask) {
  const input = make("select", { id: newId() });
  for (const { name, label } of known) input.append(make("option", { value: name }, label));
  input.append(make("option", { disabled: "", hidden: "", value: "" }, "a mix of one's own"));
  row(box, "Option", input, "");
  input.addEventListener("change", () => ask({ do: "option", option: input.value }));
  return (shown, moved) => {
    if (!Object.keys(moved).length && input.value !== shown.option) input.value = shown.option;
  };
}

function total(box, controls) {
  const line = make("p", { class: "ts-total" });
  box.append(line);
  const write = (shown, moved) => {
    const sum = controls.reduce((so, { name }) => so + (moved[name] ?? shown.values[name]), 0);
    say(line, `${Math.round(sum * 10) / 10} of ${shown.budget} effort-months placed`);
    line.classList.toggle("ts-over", sum > shown.budget + 1e-6);
  };
  return write;
}

function buttons(element, ask) {
  const press = (what, words) => {
    const button = make("button", { type: "button" }, words);
    button.addEventListener("click", () => button.getAttribute("aria-disabled") !== "true" && ask({ do: what }));
    return button;
  };
  const made = BUTTONS.map(([what, words, when]) => [press(what, words), when]);
  const pin = press("pin", "Pin this setting");
  const unpin = press("unpin", "Unpin");
  element.append(make("div", { class: "ts-buttons" }, ...made.map(([button]) => button), pin, unpin));
  return (shown) => {
    for (const [button, when] of made) mark(button, "aria-disabled", !shown[when]);
    mark(pin, "aria-disabled", shown.isThePinned);
    mark(unpin, "aria-disabled", !shown.isPinned);
  };
}
