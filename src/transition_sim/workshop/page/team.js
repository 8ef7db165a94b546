/* A team's device: its brief, its decisions, the sketch before the result, the round's code, and what came of it. */

import { codeOf } from "./code.js";
import { clock, fill, h, honesty, languageChoice, moment, refusal, setupOf } from "./kit.js";
import { openLine } from "./line.js";
import { outcomeTable, riskFigure, watchFigures } from "./show.js";

const setup = setupOf(document);
const { workshop } = setup;
const main = document.getElementById("main");
let speak, view, line, layout;
let online = true;
let local = { round: null, choices: {}, points: null };
const language = languageChoice(setup, (given) => {
  speak = given;
  layout = null;
  paint();
});
language.use();
const known = sessionStorage.getItem("token");
if (known) begin(known);

function begin(token) {
  sessionStorage.setItem("token", token);
  line = openLine(token, {
    onView: (next) => {
      view = next;
      if (local.round !== view.round_name) local = { round: view.round_name, choices: {}, points: null };
      paint();
    },
    onLine: (up) => {
      online = up;
      layout?.line?.();
    },
    onLeft: () => {
      sessionStorage.removeItem("token");
      view = null;
      line = null;
      layout = null;
      paint(setup.words.refused_left[speak.language]);
    },
    onAnswer: (command, answer) => {
      if (answer.ok) return layout?.told?.("");
      if (command.type === "decide") local.choices = {};
      layout?.told?.(refusal(speak, setup, answer.refused, answer.values));
    },
  });
}

function paint(message = "") {
  if (!view) return layout ?? joinPage(message);
  const state = `${view.phase}.${view.round_name}.${view.phase === "open" && view.turn.committed}.${view.n * (view.phase !== "open")}`;
  if (layout?.state !== state) {
    layout?.end?.();
    layout = roomPage(state);
  }
  layout.update();
}

function joinPage(message) {
  const told = h("p", { class: "told", role: "alert" }, message);
  const code = h("input", { id: "code", name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 12, required: true, dir: "ltr" });
  const role = h("select", { id: "role", name: "role" },
    Object.entries(workshop.roles).map(([name, each]) => h("option", { value: name }, speak.of(each.title))),
    h("option", { value: "shared" }, speak.say("role_shared")));
  const join = async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch("/api/join", { method: "POST", body: JSON.stringify({ code: code.value, role: role.value }) });
      const data = await answer.json();
      if (data.token) begin(data.token);
      else told.textContent = refusal(speak, setup, data.refused, data.values);
    } catch {
      told.textContent = speak.say("offline");
    }
  };
  fill(main,
    h("header", { class: "top" }, h("h1", {}, speak.of(workshop.title)), language.select()),
    h("form", { class: "card", onsubmit: join },
      h("h2", {}, speak.say("join_title")),
      h("label", { for: "code" }, speak.say("join_code")), code, h("p", { class: "hint" }, speak.say("join_hint")),
      h("label", { for: "role" }, speak.say("role")), role,
      told, h("button", { class: "main", type: "submit" }, speak.say("join"))),
    h("section", { class: "card" }, h("h2", {}, speak.say("story")), h("p", {}, speak.of(workshop.story))),
    honesty(speak));
  return null;
}

function roomPage(state) {
  const own = view.you;
  const time = clock(speak);
  const lineNode = h("p", { class: "line", role: "status" });
  const toldNode = h("p", { class: "told", role: "alert" });
  const news = h("section", { class: "card news" });
  const title = own.role === "shared" ? "" : ` · ${speak.of(workshop.roles[own.role].title)}`;
  const body = view.phase === "open" ? openBody(toldNode) : { nodes: view.phase === "lobby" ? lobbyBody() : shownBody(), update() {} };
  fill(main,
    h("header", { class: "top" },
      h("h1", {}, `${speak.say("team_number", { team: own.team })}${title}`), time.node, language.select()),
    lineNode,
    view.round_name && h("h2", { class: "round" }, roundTitle()),
    news, body.nodes, briefs(), honesty(speak));
  let shown = -1;
  return {
    state,
    end: () => time.stop(),
    told: (text) => (toldNode.textContent = text),
    line: () => {
      lineNode.textContent = online ? "" : speak.say("offline");
      lineNode.hidden = online;
    },
    update() {
      time.set(view);
      this.line();
      if (shown !== view.news.length) {
        shown = view.news.length;
        news.hidden = !shown;
        fill(news, h("h3", {}, speak.say("news")), view.news.map((each) => h("p", {}, h("b", {}, speak.of(each.title)), ` ${speak.of(each.text)}`)));
      }
      body.update();
    },
  };
}

function roundTitle() {
  const round = workshop.rounds[view.round_name];
  return speak.say("round_number", { round: view.round + 1, rounds: Object.keys(workshop.rounds).length, title: speak.of(round.title) });
}

function lobbyBody() {
  return [h("section", { class: "card" }, h("p", {}, speak.say("lobby")), h("h3", {}, speak.say("story")), h("p", {}, speak.of(workshop.story)), h("h3", {}, speak.say("question")), h("p", {}, speak.of(workshop.question)))];
}

function briefs() {
  const role = workshop.roles[view.you.role];
  if (!role) return h("section", { class: "card" }, h("h3", {}, speak.say("brief")), h("p", {}, speak.say("shared_brief")));
  return h("details", { class: "card", open: view.phase === "lobby" },
    h("summary", {}, speak.say("brief")), h("p", {}, speak.of(role.brief)),
    h("h3", {}, speak.say("private_brief")), h("p", { class: "private" }, speak.of(view.private)));
}

function chosen() {
  return { ...view.choices, ...local.choices };
}

function openBody(toldNode) {
  const round = workshop.rounds[view.round_name];
  const committed = view.turn.committed;
  const levers = Object.entries(workshop.levers).filter(([, lever]) => lever.round === view.round_name);
  const mine = levers.filter(([, lever]) => view.you.role === "shared" || lever.role === view.you.role);
  const others = levers.filter(([name]) => !mine.some(([own]) => own === name));
  const fields = mine.map(([name, lever]) => leverField(name, lever, committed));
  const otherList = h("ul", { class: "others" });
  const purses = h("div", { class: "purses" });
  const sketch = sketchField(round, committed);
  const codeNode = h("output", { class: "code", dir: "ltr" });
  const button = committed
    ? h("button", { onclick: () => line.send({ type: "withdraw", round: view.round_name }) }, speak.say("withdraw"))
    : h("button", { class: "main", onclick: () => line.send({ type: "commit", round: view.round_name }) }, speak.say("commit"));
  const hint = h("p", { class: "hint" });
  const nodes = [
    h("section", { class: "card" }, h("p", { class: "when" }, moment(speak, round)), h("p", {}, speak.of(round.situation))),
    h("section", { class: "card" },
      h("h3", {}, speak.say("your_decisions")), mine.length ? fields.map((each) => each.node) : h("p", {}, speak.say("no_decision")), purses,
      others.length ? h("details", {}, h("summary", {}, speak.say("others_decisions")), otherList) : null),
    sketch.node,
    h("section", { class: "card" }, toldNode, hint, button,
      h("h3", {}, speak.say("code")), codeNode, h("p", { class: "hint" }, speak.say("code_hint"))),
  ];
  return {
    nodes,
    update() {
      for (const each of fields) each.update();
      fill(otherList, others.map(([name, lever]) => h("li", {}, `${speak.of(workshop.roles[lever.role].title)} — ${speak.of(lever.title)}: `, h("b", {}, speak.of(lever.choices[chosen()[name]].label)))));
      paintPurses(purses, mine.length ? [...new Set(mine.map(([, lever]) => lever.role))] : []);
      sketch.update();
      hint.textContent = committed ? speak.say("waiting") : drawn() ? "" : speak.say("commit_hint");
      codeNode.textContent = drawn() ? codeOf(setup, view.you.team, view.round_name, chosen(), drawn()) : "—";
    },
  };
}

function drawn() {
  return local.points ?? view.turn.points;
}

function leverField(name, lever, committed) {
  const group = `lever-${name}`;
  const inputs = lever.choices.map((choice, i) => {
    const input = h("input", { type: "radio", name: group, id: `${group}-${i}`, disabled: committed, onchange: () => decide(name, i) });
    const price = choice.price ? ` · ${speak.say("price", { price: speak.number(choice.price) })}` : "";
    const planned = i === lever.default ? ` (${speak.say("as_planned")})` : "";
    return { input, node: h("span", { class: "chip" }, input, h("label", { for: `${group}-${i}` }, `${speak.of(choice.label)}${planned}${price}`)) };
  });
  return {
    node: h("fieldset", {}, h("legend", {}, speak.of(lever.title)), h("p", { class: "hint" }, speak.of(lever.help)), h("div", { class: "chips" }, inputs.map((each) => each.node))),
    update: () => inputs.forEach((each, i) => (each.input.checked = chosen()[name] === i)),
  };
}

function decide(name, choice) {
  local.choices[name] = choice;
  line.send({ type: "decide", round: view.round_name, choices: { [name]: choice } });
  layout.update();
}

function paintPurses(node, roles) {
  const cost = {};
  for (const [name, choice] of Object.entries(chosen())) {
    const lever = workshop.levers[name];
    cost[lever.role] = (cost[lever.role] ?? 0) + lever.choices[choice].price;
  }
  fill(node, roles.map((role) => {
    const purse = workshop.roles[role].purse;
    const left = purse.size - (cost[role] ?? 0);
    const words = left < 0 ? speak.say("over", { over: speak.number(-left) }) : speak.say("left", { left: speak.number(left), size: speak.number(purse.size) });
    return h("p", { class: left < 0 ? "purse over" : "purse" }, `${speak.of(purse.title)} (${speak.of(purse.unit)}): `, h("b", {}, words));
  }), h("p", { class: "hint" }, speak.say("set_aside")));
}

function sketchField(round, committed) {
  const { years, step, most } = workshop.sketch;
  const figure = h("div", {});
  const last = view.past && Object.values(view.past).at(-1);
  const start = drawn() ?? last?.points ?? years.map((_, i) => step * 2 * (i + 1));
  let points = [...start];
  const inputs = points.map((point, i) => {
    const value = h("output", { for: `year-${years[i]}` });
    const input = h("input", {
      type: "range", id: `year-${years[i]}`, min: 0, max: most, step, value: point, disabled: committed,
      oninput: () => move(i, Number(input.value)),
    });
    return { input, value, node: h("div", { class: "slider" }, h("label", { for: `year-${years[i]}` }, speak.say("by_year", { year: years[i] })), input, value) };
  });
  const button = h("button", { disabled: committed, onclick: put }, speak.say("draw_sketch"));
  const state = h("p", { class: "hint", role: "status" });

  function move(i, value) {
    points = points.map((point, at) => (at === i ? value : at < i ? Math.min(point, value) : Math.max(point, value)));
    show();
  }
  function put() {
    local.points = [...points];
    line.send({ type: "sketch", round: view.round_name, points });
    layout.update();
  }
  function show() {
    inputs.forEach((each, i) => {
      each.input.value = points[i];
      each.value.textContent = speak.say("of_hundred", { value: speak.number(points[i]) });
    });
    fill(figure, riskFigure(speak, setup, null, points, { height: 190, top: most }));
  }
  show();
  let seen = JSON.stringify(drawn());
  return {
    node: h("section", { class: "card" }, h("h3", {}, speak.say("sketch_title")), h("p", { class: "hint" }, speak.say("sketch_hint")),
      h("p", {}, speak.say("sketch_by", { role: speak.of(workshop.roles[round.drawn_by].title) })), figure, inputs.map((each) => each.node), button, state),
    update() {
      const now = JSON.stringify(drawn());
      if (now !== seen && drawn()) {
        seen = now;
        points = [...drawn()];
        show();
      }
      state.textContent = drawn() ? speak.say("sketch_down") : "";
    },
  };
}

function shownBody() {
  const past = view.past?.[view.round_name];
  if (!past) return [h("section", { class: "card" }, h("p", {}, speak.say(view.phase === "ended" ? "ended" : "shown")))];
  return [
    h("section", { class: "card" },
      view.phase === "ended" ? h("p", {}, speak.say("ended")) : null,
      h("h3", {}, speak.say("shown")), riskFigure(speak, setup, past.result, past.points), h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(view.worlds) }))),
    h("section", { class: "card" }, outcomeTable(speak, setup, past.result), h("p", { class: "hint" }, speak.say("no_sum"))),
    h("section", { class: "card" }, watchFigures(speak, setup, past.result)),
  ];
}
