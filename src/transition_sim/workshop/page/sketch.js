/* The sketch: a slider for each year with a button at each end for one step, empty until it is moved, with the sketch of the round before behind it. */

import { make as h } from "./elements.js";
import { riskFigure } from "./show.js";

const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

/** Return the card in which a team draws: `node`, and `update()` for what another device of the team has drawn.
    `given`: round, committed, drawn() the points that are down, last the points of the round before, told a place for
    what is refused, put(points) what happens with a whole sketch. */
export function sketchCard(setup, speak, given) {
  const { years, step, most } = setup.workshop.sketch;
  const { round, committed, drawn, last, told, put } = given;
  const figure = h("div", {});
  let points = drawn() ? [...drawn()] : years.map(() => null);
  const within = (value) => Math.min(Math.max(value, 0), most);
  const whole = () => !points.includes(null);
  const inputs = years.map((year, i) => {
    const value = h("output", { for: `year-${year}` });
    const set = () => move(i, Number(input.value));
    const input = h("input", {
      type: "range", id: `year-${year}`, min: 0, max: most, step, value: 0, disabled: committed,
      oninput: set, onpointerup: set, onkeyup: (event) => MOVES.includes(event.key) && set(),
    });
    const when = speak.say("by_year", { year });
    const by = (sign, way, words) => h("button", { type: "button", id: `year-${year}-${way}`, disabled: committed, "aria-label": speak.say(words, { when }), onclick: () => move(i, within(Number(input.value) + sign * step)) }, sign < 0 ? "−" : "+");
    const node = h("div", { class: "slider" }, h("div", { class: "slider-head" }, h("label", { for: `year-${year}` }, when), value), by(-1, "less", "step_less"), input, by(1, "more", "step_more"));
    return { input, value, node };
  });
  const button = h("button", { onclick: () => put([...points]) }, speak.say("draw_sketch"));
  const state = h("p", { class: "hint", role: "status" });

  function move(i, value) {
    points = points.map((point, at) => (at === i ? value : point === null ? null : at < i ? Math.min(point, value) : Math.max(point, value)));
    show();
  }

  function show() {
    inputs.forEach(({ input, value, node }, i) => {
      const words = points[i] === null ? speak.say("not_drawn") : speak.say("of_hundred", { value: speak.number(points[i]) });
      input.value = points[i] ?? Math.max(0, ...points.slice(0, i));
      for (const each of [input, node]) each.classList.toggle("unset", points[i] === null);
      input.setAttribute("aria-valuetext", words);
      value.textContent = points[i] === null ? "—" : words;
    });
    button.disabled = committed || !whole();
    state.textContent = speak.say(JSON.stringify(points) === JSON.stringify(drawn()) ? "sketch_down" : whole() ? "sketch_not_down" : "sketch_begin");
    figure.replaceChildren(riskFigure(speak, setup, null, points, { height: 190, top: most, last }));
  }

  show();
  let seen = JSON.stringify(drawn());
  const by = speak.say("sketch_by", { role: speak.of(setup.workshop.roles[round.drawn_by].title) });
  return {
    node: h("section", { class: "card" }, h("h3", {}, speak.say("sketch_title")), h("p", { class: "hint" }, speak.say("sketch_hint")),
      h("p", {}, by), figure, inputs.map((each) => each.node), button, told, state),
    update() {
      const now = JSON.stringify(drawn());
      if (now !== seen && drawn()) points = [...drawn()];
      if (now !== seen) show();
      seen = now;
    },
  };
}
