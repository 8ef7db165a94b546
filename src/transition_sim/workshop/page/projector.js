/* The big screen: where to join, how the round stands, and the reveal. It only shows. */

import { clock, fill, h, honesty, languageChoice, moment, setupOf } from "./kit.js";
import { openLine } from "./line.js";
import { riskFigure, teamsTable } from "./show.js";

const setup = setupOf(document);
const { workshop } = setup;
const main = document.getElementById("main");
let speak, view, time;
let online = true;
const language = languageChoice(setup, (given) => {
  speak = given;
  paint();
});
const token = location.hash.slice(1);
language.use();
openLine(token, {
  onView: (next) => {
    view = next;
    paint();
  },
  onLine: (up) => {
    online = up;
    document.body.classList.toggle("offline", !up);
  },
  onLeft: () => fill(main, h("p", { class: "told" }, speak.say("refused_other"))),
  onAnswer: () => {},
});

function paint() {
  if (!view) {
    fill(main, h("h1", {}, speak.of(workshop.title)));
    return;
  }
  time?.stop();
  time = clock(speak);
  const round = workshop.rounds[view.round_name];
  fill(main,
    h("header", { class: "top big" }, h("h1", {}, speak.of(workshop.title)), time.node, language.select()),
    h("p", { class: "line", hidden: online }, speak.say("offline")),
    round && h("h2", { class: "round" }, speak.say("round_number", { round: view.round + 1, rounds: Object.keys(workshop.rounds).length, title: speak.of(round.title) })),
    view.phase === "lobby" ? lobby() : view.phase === "open" ? open(round) : shown(),
    honesty(speak));
  time.set(view);
}

function lobby() {
  return h("div", { class: "columns" },
    h("section", { class: "card" }, h("p", { class: "lead" }, speak.of(workshop.question)), h("p", {}, speak.of(workshop.story))),
    h("section", { class: "card" }, h("h2", {}, speak.say("address")), h("p", { class: "address", dir: "ltr" }, setup.address),
      h("p", {}, speak.say("seats")), h("ul", { class: "codes" }, view.teams.map((team) => h("li", {}, `${speak.say("team_number", { team: team.number })} `, h("b", { dir: "ltr" }, view.join[team.number]), " ", h("small", {}, speak.say("devices", { count: view.devices[team.number] ?? 0 })))))));
}

function open(round) {
  return h("div", {},
    h("section", { class: "card" }, h("p", { class: "when" }, moment(speak, round)), h("p", { class: "lead" }, speak.of(round.situation)),
      view.news.filter((each) => each.round === view.round_name).map((each) => h("p", { class: "news lead" }, h("b", {}, `${speak.of(each.title)}. `), speak.of(each.text)))),
    h("div", { class: "tiles" }, view.teams.map((team) =>
      h("section", { class: team.committed ? "tile done" : "tile" }, h("h3", {}, speak.say("team_number", { team: team.number })),
        h("p", {}, speak.say(team.committed ? "committed" : team.sketched ? "sketched" : "no_sketch_yet"))))));
}

function shown() {
  if (!view.results) return h("p", {}, speak.say("shown"));
  const tops = Object.values(view.results).map((result) => 100 * result.bands.risk[2].at(-1));
  const drawn = Object.values(view.sketches).filter(Boolean).map((points) => points.at(-1));
  const top = Math.max(20, ...tops, ...drawn);
  return h("div", {},
    h("div", { class: "grid" }, Object.entries(view.results).map(([team, result]) =>
      h("section", { class: "card" }, h("h3", {}, speak.say("team_number", { team })), riskFigure(speak, setup, result, view.sketches[team], { top, height: 260 })))),
    h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(view.worlds) })),
    h("section", { class: "card" }, teamsTable(speak, setup, view.results, view.standing)));
}
