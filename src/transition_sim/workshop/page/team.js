/* A team's device: its brief, its decisions, the sketch before the result, the round's code, and what came of it. */

import { codeOf } from "./code.js";
import { make as h } from "./elements.js";
import { boughtBy, boughtWords, budgets, clock, fill, honesty, languageChoice, letterOf, moment, refusal, roundWords, seatWords, setupOf } from "./kit.js";
import { openLine } from "./line.js";
import { outcomeTable, riskFigure, watchFigures } from "./show.js";
import { sketchCard } from "./sketch.js";

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
      if (layout) layout.update();
    },
    onLeft: () => {
      sessionStorage.removeItem("token");
      view = null;
      line = null;
      layout = null;
      paint(setup.words.refused_left[speak.language]);
    },
    onAnswer: (command, answer) => {
      if (answer.ok) return layout?.told?.({});
      if (command.type === "decide") local.choices = {};
      layout?.update?.();
      const shownLive = answer.refused === "over_budget";  // it may be put right before the answer is here
      layout?.told?.(shownLive ? {} : { [placeOf(command)]: refusal(speak, setup, answer.refused, answer.values) });
    },
  });
}

/* Where on the page a command comes from: what is refused is told there. */
function placeOf(command) {
  if (command.type === "decide") return Object.keys(command.choices)[0];
  return command.type === "sketch" ? "sketch" : "commit";
}

/* Places beside forms and buttons for what was refused: `at(place)` gives a node, `tell(told)` fills all of them. */
function refusals() {
  const nodes = {};
  return {
    at: (place) => (nodes[place] = h("p", { class: "told", role: "alert", id: `told-${place}` })),
    tell: (told) => {
      for (const place in nodes) nodes[place].textContent = told[place] ?? "";
    },
  };
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

const CODE_LENGTH = 6;

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  return answer.json();
}

/* Nothing is chosen beforehand; once the code is whole, roles that a device of the team has already are marked. */
function joinPage(message) {
  const told = h("p", { class: "told", role: "alert" }, message);
  const seen = h("p", { class: "hint", role: "status", id: "roles-seen" }, speak.say("roles_code_first"));
  const code = h("input", { id: "code", name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 12, required: true, dir: "ltr", oninput: () => look() });
  const titles = { ...Object.fromEntries(Object.entries(workshop.roles).map(([name, each]) => [name, speak.of(each.title)])), shared: speak.say("role_shared") };
  const options = Object.entries(titles).map(([name, title]) => h("option", { value: name }, title));
  const role = h("select", { id: "role", name: "role", required: true }, h("option", { value: "", selected: true }, speak.say("role_choose")), options);
  const mark = (seats) => {
    for (const option of options) option.textContent = seats[option.value] ? speak.say("role_taken", { role: titles[option.value] }) : titles[option.value];
  };
  const look = async () => {
    const typed = code.value;
    mark({});
    seen.textContent = speak.say("roles_code_first");
    told.textContent = "";
    if (typed.replace(/[\s-]/g, "").length !== CODE_LENGTH) return;
    try {
      const data = await post("/api/seats", { code: typed });
      if (code.value !== typed) return;
      if (data.refused) told.textContent = refusal(speak, setup, data.refused, data.values);
      else {
        mark(data.seats);
        seen.textContent = `${speak.say("roles_seen", { team: data.team })} ${seatWords(speak, setup, data.seats).join(". ")}.`;
      }
    } catch {
      told.textContent = speak.say("offline");
    }
  };
  const join = async (event) => {
    event.preventDefault();
    try {
      const data = await post("/api/join", { code: code.value, role: role.value });
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
      h("label", { for: "role" }, speak.say("role")), role, seen,
      told, h("button", { class: "main", type: "submit" }, speak.say("join"))),
    h("section", { class: "card" }, h("h2", {}, speak.say("story")), h("p", {}, speak.of(workshop.story))),
    honesty(speak));
  return null;
}

function roomPage(state) {
  const own = view.you;
  const time = clock(speak);
  const lineNode = h("p", { class: "line", role: "status" });
  const told = refusals();
  const news = h("section", { class: "card news" });
  const seats = h("p", { class: "hint seats" });
  const title = own.role === "shared" ? "" : ` · ${speak.of(workshop.roles[own.role].title)}`;
  const body = view.phase === "open" ? openBody(told) : { nodes: view.phase === "lobby" ? lobbyBody() : shownBody(), update() {} };
  fill(main,
    h("header", { class: "top" },
      h("h1", {}, `${speak.say("team_number", { team: own.team })}${title}`), time.node, language.select()),
    lineNode, seats,
    view.round_name && view.phase !== "ended" && h("h2", { class: "round" }, roundTitle()),
    news, body.nodes, briefs(), honesty(speak));
  let shown = -1;
  return {
    state,
    end: () => time.stop(),
    told: told.tell,
    line: () => {
      lineNode.textContent = online ? "" : speak.say("offline");
      lineNode.hidden = online;
    },
    update() {
      time.set(view);
      this.line();
      seats.textContent = seatWords(speak, setup, view.seats).join(". ");
      if (shown !== view.news.length) {
        shown = view.news.length;
        news.hidden = !shown;
        fill(news, h("h3", {}, speak.say("news")), view.news.map((each) => h("p", {}, h("b", {}, `${speak.of(each.title)}.`), ` ${speak.of(each.text)}`)));
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

function openBody(told) {
  const round = workshop.rounds[view.round_name];
  const committed = view.turn.committed;
  const levers = Object.entries(workshop.levers).filter(([, lever]) => lever.round === view.round_name);
  const mine = levers.filter(([, lever]) => view.you.role === "shared" || lever.role === view.you.role);
  const others = levers.filter(([name]) => !mine.some(([own]) => own === name));
  const fields = mine.map(([name, lever]) => leverField(name, lever, committed, told));
  const otherList = h("ul", { class: "others" });
  const purses = h("div", { class: "purses" });
  const sketch = sketchCard(setup, speak, {
    round, committed, drawn, told: told.at("sketch"), last: Object.values(view.past ?? {}).map((each) => each.points).filter(Boolean).at(-1),
    put: (points) => {
      local.points = points;
      line.send({ type: "sketch", round: view.round_name, points });
      layout.update();
    },
  });
  const codeNode = h("output", { class: "code", dir: "ltr" });
  const codeHint = h("p", { class: "hint" });
  const button = committed
    ? h("button", { onclick: () => line.send({ type: "withdraw", round: view.round_name }) }, speak.say("withdraw"))
    : h("button", { class: "main", onclick: () => line.send({ type: "commit", round: view.round_name }) }, speak.say("commit"));
  const hint = h("p", { class: "hint" });
  const over = h("p", { class: "told", role: "status", id: "over-budget" });
  const unsent = h("p", { class: "told", role: "status", id: "not-sent" });
  let before = "";
  const nodes = [
    h("section", { class: "card" }, h("p", { class: "when" }, moment(speak, round)), h("p", {}, speak.of(round.situation))),
    h("section", { class: "card" },
      h("h3", {}, speak.say("your_decisions")), mine.length ? fields.map((each) => each.node) : h("p", {}, speak.say("no_decision")), purses,
      others.length ? h("details", {}, h("summary", {}, speak.say("others_decisions")), otherList) : null),
    sketch.node,
    h("section", { class: "card" }, button, over, unsent, told.at("commit"), hint, h("h3", {}, speak.say("code")), codeNode, codeHint),
  ];
  nodes.push(lastResult());
  return {
    nodes,
    update() {
      const now = JSON.stringify([chosen(), drawn()]);
      if (before !== now) told.tell({});  // what was refused may be right now, whoever changed it
      before = now;
      over.textContent = overspent().map(({ role, spent, size }) => refusal(speak, setup, "over_budget", { role, spent, size })).join(" ");
      unsent.textContent = !online && line?.waiting() ? speak.say(drawn() ? "not_sent" : "not_sent_plain") : "";
      for (const each of fields) each.update();
      fill(otherList, others.map(([name, lever]) => h("li", {}, speak.pair(`${speak.of(workshop.roles[lever.role].title)} — ${speak.of(lever.title)}`, ""), h("b", {}, speak.of(lever.choices[chosen()[name]].label)))));
      paintPurses(purses, mine.length ? [...new Set(mine.map(([, lever]) => lever.role))] : []);
      sketch.update();
      hint.textContent = committed ? speak.say("waiting") : `${drawn() ? "" : `${speak.say("commit_hint")} `}${speak.say("commit_whole")}`;
      const ready = drawn() && !overspent().length;  // the facilitator's page would refuse a code that spends too much
      codeNode.hidden = !ready;
      codeNode.textContent = ready ? codeOf(setup, view.you.team, view.round_name, chosen(), drawn()) : "";
      codeHint.textContent = speak.say(ready ? "code_hint" : drawn() ? "code_needs_budget" : "code_needs_sketch");
    },
  };
}

function drawn() {
  return local.points ?? view.turn.points;
}

function leverField(name, lever, committed, told) {
  const group = `lever-${name}`;
  const inputs = lever.choices.map((choice, i) => {
    const input = h("input", { type: "radio", name: group, id: `${group}-${i}`, disabled: committed, onchange: () => decide(name, i) });
    const price = choice.price ? ` · ${speak.say("price", { price: speak.number(choice.price) })}` : "";
    const planned = i === lever.default ? ` (${speak.say("as_planned")})` : "";
    const label = h("label", { for: `${group}-${i}` }, h("span", { class: "letter" }, letterOf(i)), `${speak.of(choice.label)}${planned}${price}`);
    return { input, node: h("span", { class: "chip" }, input, label) };
  });
  const bought = h("p", { class: "bought", id: `bought-${name}` });
  return {
    node: h("fieldset", {}, h("legend", {}, view.you.role === "shared" ? speak.pair(speak.of(workshop.roles[lever.role].title), speak.of(lever.title)) : speak.of(lever.title)), h("p", { class: "hint" }, speak.of(lever.help)), bought, h("div", { class: "chips" }, inputs.map((each) => each.node)), told.at(name)),
    update: () => {
      const other = boughtBy(workshop, chosen(), name);
      bought.hidden = !other;
      bought.textContent = other ? boughtWords(speak, workshop, chosen(), other) : "";
      inputs.forEach((each, i) => {
        each.input.checked = chosen()[name] === i;
        each.input.disabled = committed || Boolean(other && i !== lever.default);
      });
    },
  };
}

function decide(name, choice) {
  local.choices[name] = choice;
  line.send({ type: "decide", round: view.round_name, choices: { [name]: choice } });
  layout.update();
}

function costs() {
  return budgets(workshop, chosen(), () => false);
}

/* Roles that would spend more than they have, with what is put down now. */
function overspent() {
  return Object.entries(costs()).map(([role, cost]) => ({ role, ...cost })).filter(({ spent, size }) => spent > size);
}

function paintPurses(node, roles) {
  const cost = costs();
  const later = view.round + 1 < Object.keys(workshop.rounds).length;
  fill(node, roles.map((role) => {
    const purse = workshop.roles[role].purse;
    const left = purse.size - cost[role].spent;
    const words = left < 0 ? speak.say("over", { over: speak.number(-left) }) : speak.say("left", { left: speak.number(left), size: speak.number(purse.size) });
    return h("p", { class: left < 0 ? "purse over" : "purse" }, speak.pair(`${speak.of(purse.title)} (${speak.of(purse.unit)})`, ""), h("b", {}, words));
  }), later && h("p", { class: "hint" }, speak.say("set_aside")));
}

function endedWords() {
  const page = `/debrief/team-${view.you.team}.html?token=${encodeURIComponent(view.debrief)}&language=${speak.language}`;
  return [h("p", {}, speak.say("ended")), h("p", {}, h("a", { class: "go", href: page, target: "_blank", rel: "noopener" }, speak.say("own_debrief"))), h("p", { class: "hint" }, speak.say("own_debrief_hint"))];
}

/* The result of the round before, folded, while a round is open. */
function lastResult() {
  const name = Object.keys(view.past ?? {}).at(-1);
  if (!name) return null;
  return h("details", { class: "card", id: "last-result" }, h("summary", {}, speak.say("last_result", { title: speak.of(workshop.rounds[name].title) })), resultCards(name));
}

function shownBody() {
  const name = view.round_name;
  const ended = view.phase === "ended" ? h("section", { class: "card" }, endedWords()) : null;
  if (!view.past?.[name]) return [ended ?? h("section", { class: "card" }, h("p", {}, speak.say("shown")))];
  return [ended, ...resultCards(name)];
}

function resultCards(name) {
  const past = view.past[name];
  const had = speak.say("you_had", { what: roundWords(speak, setup, past) });
  return [
    past.committed ? null : h("p", { class: "not-counted", role: "status" }, speak.say("not_counted"), h("small", {}, had)),
    h("section", { class: "card" },
      h("h3", {}, speak.say("shown")), h("p", { class: "hint" }, speak.say("caution")),
      riskFigure(speak, setup, past.result, past.points, { loose: !past.committed }), h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(view.worlds) }))),
    h("section", { class: "card" }, outcomeTable(speak, setup, past.result), h("p", { class: "hint" }, speak.say("no_sum"))),
    h("section", { class: "card" }, watchFigures(speak, setup, past.result)),
  ];
}
