/* The levers: sliders and choices, made from what the page's facts say of them. */

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

/** Return how the value of a lever is said: by its unit in the model. */
export function leverText(lever, value, speak) {
  if (lever.unit === "Month") return speak.months(value);
  if (lever.unit === "Dmnl" && lever.share) return speak.percent(value);
  const words = lever.unit === "Dmnl" ? "" : speak.say(`unit.${lever.unit}`);
  return words ? `${speak.short(value)} ${words}` : speak.short(value);
}

/** Fill `host` with the controls of a model. Returns `show(state)`, which sets them to a state.

    `onPreview(id, value)` while a slider moves, `onSet(id, value)` when it is let go or another control is used. */
export function controls(host, model, speak, onPreview, onSet) {
  const shown = new Map();
  const groups = new Map();
  host.replaceChildren();
  for (const lever of model.levers) {
    if (!groups.has(lever.group)) groups.set(lever.group, group(lever.group, groups.size === 0));
    const control = lever.options ? choice(lever) : slider(lever);
    groups.get(lever.group).append(control.node);
    shown.set(lever.id, control.show);
  }

  function group(id, open) {
    const body = make("div", { class: "group-body" });
    host.append(
      make("details", { class: "group", open: open || innerWidth >= 960 }, make("summary", {}, speak.say(`group.${id}`)), body),
    );
    return body;
  }

  function about(lever) {
    const own = make("p", {}, speak.say(`lever.${lever.id}.help`));
    const source = make("p", { lang: "en", dir: "ltr", class: "source" }, lever.documentation);
    return make("details", { class: "about" }, make("summary", {}, speak.say("lever.about")), own, source);
  }

  function slider(lever) {
    const id = `lever-${lever.id}`;
    const value = make("output", { for: id, class: "value" });
    const varies = make("p", { class: "varies", hidden: true }, speak.say("lever.varies"));
    const input = make("input", {
      type: "range", id, min: lever.from, max: lever.to, step: lever.step,
      oninput: () => onPreview(lever.id, Number(input.value)),
      onchange: () => onSet(lever.id, Number(input.value)),
    });
    const back = make("button", { type: "button", class: "quiet back", onclick: () => onSet(lever.id, lever.value) });
    back.append(speak.say("lever.back", { value: leverText(lever, lever.value, speak) }));
    const head = make("div", { class: "lever-head" }, make("label", { for: id }, speak.say(`lever.${lever.id}`)), value);
    const node = make("div", { class: "lever" }, head, input, varies, back, about(lever));
    function show(state) {
      const now = state.values[lever.id];
      const words = leverText(lever, now, speak);
      if (Number(input.value) !== now) input.value = String(now);
      if (value.textContent !== words) value.textContent = words;
      input.setAttribute("aria-valuetext", words);
      const changed = now !== lever.value;
      back.hidden = !changed;
      varies.hidden = changed || !lever.sampled;
      node.classList.toggle("changed", changed);
    }
    return { node, show };
  }

  function choice(lever) {
    const buttons = lever.options.map((option) =>
      make("input", { type: "radio", name: lever.id, value: option.id, onchange: () => onSet(lever.id, option.id) }),
    );
    const labels = lever.options.map((option, i) =>
      make("label", { class: "choice" }, buttons[i], make("span", {}, speak.say(`lever.${lever.id}.${option.id}`))),
    );
    const legend = make("legend", {}, speak.say(`lever.${lever.id}`));
    const node = make("fieldset", { class: "lever" }, legend, make("div", { class: "choices" }, ...labels), about(lever));
    function show(state) {
      buttons.forEach((button, i) => (button.checked = lever.options[i].id === state.values[lever.id]));
      node.classList.toggle("changed", state.values[lever.id] !== lever.value);
    }
    return { node, show };
  }

  return { show: (state) => shown.forEach((set) => set(state)) };
}
