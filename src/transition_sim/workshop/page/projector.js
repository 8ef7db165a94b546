/* The big screen: where to join, how the round stands, and the reveal. It only shows, and never needs scrolling: what
   does not fit on one sheet stands on several, which turn by themselves until somebody picks one. */

import { make as h } from "./elements.js";
import { clock, fill, honesty, keyOfPage, languageChoice, lateWords, moment, seatWords, setupOf } from "./kit.js";
import { openLine } from "./line.js";
import { assumedTag, riskFigure, riskKey, teamsTable } from "./show.js";

const TURN = 20_000;
const TURNING = 2;
const LARGEST = 1.6;
const SMALLEST = 0.5;
const CHART_TYPE = 0.8;
const setup = setupOf(document);
const { workshop } = setup;
const main = document.getElementById("main");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
let speak, view, time, turner;
let online = true;
let sheet = 0;
let highest = 20;  // of the axis of the risk: it only grows, so that rounds can be compared by eye
let held = still;
let before = "";
const language = languageChoice(setup, (given) => {
  speak = given;
  paint();
});
const token = keyOfPage("projector");
language.use();
openLine(token, {
  onView: (next) => {
    view = next;
    const now = `${view.phase}.${view.round_name}`;
    if (now !== before) turnTo(0, still || !view.results);  // join codes and a round stay until somebody turns
    before = now;
    paint();
  },
  onLine: (up) => {
    online = up;
    document.body.classList.toggle("offline", !up);
  },
  onLeft: () => fill(main, h("p", { class: "told" }, speak.say("no_key"))),
  onAnswer: () => {},
});
addEventListener("resize", () => paint());
document.fonts?.ready.then(() => paint());

function turnTo(number, hold) {
  sheet = number;
  held = hold;
  clearInterval(turner);
  if (held) return;
  turner = setInterval(() => {
    sheet = (sheet + 1) % TURNING;
    paint();
  }, TURN);
}

/* The sheets of the moment: [name, draw(place)], where `place` fills what the header and the foot leave. The first two
   of a reveal turn by themselves; join codes are at hand in every round, for who comes late. */
function sheets() {
  const round = workshop.rounds[view.round_name];
  if (view.phase === "lobby") return [["join", lobby], ["before_rounds", (place) => country(place)]];
  const join = ["join_tab", lobby];
  if (view.phase === "open") {
    const before = view.last ? [["last_tab", (place) => risks(place, view.last)]] : [];
    return [["round_tab", (place) => open(place, round)], ...before, join];
  }
  if (!view.results) return [["shown", () => {}], join];
  return [["risk_sheet", (place) => risks(place, view)], ["compare_teams", compared], join];
}

function paint() {
  if (!view) {
    fill(main, h("h1", {}, speak.of(workshop.title)));
    return;
  }
  time?.stop();
  time = clock(speak);
  const round = workshop.rounds[view.round_name];
  const all = sheets();
  const at = sheet % all.length;
  const place = h("div", { class: "sheet-place" });
  const [name] = all[at];
  const late = ["risk_sheet", "compare_teams"].includes(name) ? lateWords(speak, view.uncommitted) : name === "last_tab" ? lateWords(speak, view.last.uncommitted) : null;
  fill(main,
    h("header", { class: "top" }, h("h1", {}, view.phase === "ended" ? speak.say("ended") : round ? speak.say("round_number", { round: view.round + 1, rounds: Object.keys(workshop.rounds).length, title: speak.of(round.title) }) : speak.of(workshop.title)),
      time.node, tabs(all, at), language.select()),
    h("p", { class: "line", hidden: online }, speak.say("offline_screen")),
    late && h("p", { class: "late" }, late),
    place, honesty(speak));
  time.set(view);
  all[at][1](place);
}

function tabs(all, at) {
  if (all.length < 2) return null;
  const pick = (i) => () => {
    turnTo(i, true);
    paint();
  };
  return h("nav", { class: "tabs" }, all.map(([name], i) => h("button", { id: `tab-${name}`, "aria-pressed": String(i === at), onclick: pick(i) }, speak.say(name))),
    held ? null : h("button", { id: "tab-hold", class: "quiet", onclick: pick(at) }, speak.say("hold")));
}

/* Put words into a place, as large as they fit. */
function fitted(place, ...children) {
  const inside = h("div", { class: "fitted" }, children);
  fill(place, inside);
  const fits = () => inside.scrollHeight <= place.clientHeight && inside.scrollWidth <= place.clientWidth;
  for (let size = LARGEST; size >= SMALLEST; size -= 0.05) {
    inside.style.fontSize = `${size}em`;
    if (fits()) return;
  }
}

/* How many columns give boxes of about the shape of a figure, with few places left empty. */
function columnsFor(count, width, height) {
  const loss = (columns) => {
    const rows = Math.ceil(count / columns);
    return Math.abs(Math.log((width / columns / (height / rows)) / 1.8)) + (2 * (rows * columns - count)) / count;
  };
  return Array.from({ length: count }, (_, i) => i + 1).reduce((best, each) => (loss(each) < loss(best) ? each : best));
}

function lobby(place) {
  fitted(place, h("div", { class: "columns" },
    h("section", { class: "card" }, h("p", { class: "lead" }, speak.of(workshop.question)), h("p", {}, speak.of(workshop.story))),
    h("section", { class: "card" }, h("h2", {}, speak.say("address")), h("p", { class: "address", dir: "ltr" }, setup.address),
      h("p", {}, speak.say("seats")), h("ul", { class: "codes" }, view.teams.map((team) => h("li", {}, `${speak.say("team_number", { team: team.number })} `, h("b", { dir: "ltr" }, view.join[team.number]), h("small", {}, seatWords(speak, setup, view.seats[team.number]).join(". "))))))));
}

/* The country before anybody has decided anything: what the line and the band mean can be told by it. */
function country(place) {
  const key = h("p", { class: "hint" }, riskKey(speak, { result: true, unchanged: true }), " ", speak.say("ranges", { worlds: speak.number(view.worlds) }));
  figures(place, [["", view.unchanged, null]], key, { unchanged: true, top: 100 * view.unchanged.bands.risk[2].at(-1) });
}

function open(place, round) {
  fitted(place,
    h("section", { class: "card" }, h("p", { class: "when" }, moment(speak, round)), h("p", { class: "lead" }, speak.of(round.situation)),
      view.news.filter((each) => each.round === view.round_name).map((each) => h("p", { class: "news lead" }, h("b", {}, `${speak.of(each.title)}. `), speak.of(each.text)))),
    h("div", { class: "tiles" }, view.teams.map((team) =>
      h("section", { class: team.committed ? "tile done" : "tile" }, h("h3", {}, speak.say("team_number", { team: team.number })),
        h("p", {}, speak.say(team.committed ? "committed" : team.sketched ? "sketched" : "no_sketch_yet")),
        h("p", { class: "join", dir: "ltr" }, view.join[team.number])))),
    h("p", { class: "hint" }, `${speak.say("join_late")} `, h("bdi", { class: "join", dir: "ltr" }, setup.address)));
}

function risks(place, shown) {
  const named = (team) => `${speak.say("team_number", { team })}${shown.uncommitted.includes(Number(team)) ? ` · ${speak.say("not_committed_mark")}` : ""}`;
  const title = (team, result) => [named(team), " ", result.assumed && assumedTag(speak, "assumed_part")];
  const each = Object.entries(shown.results).map(([team, result]) => [title(team, result), result, shown.sketches[team]]);
  const tops = each.map(([, result, points]) => Math.max(100 * result.bands.risk[2].at(-1), points?.at(-1) ?? 0));
  highest = Math.max(highest, ...tops);
  const key = riskKey(speak, { result: true, drawn: each.some(([, , points]) => points) });
  const assumed = each.some(([, result]) => result.assumed) && ` ${speak.say("assumed_team")}`;
  figures(place, each, h("p", { class: "hint" }, key, " ", speak.say("ranges", { worlds: speak.number(view.worlds) }), assumed), { top: highest });
}

/* Figures of one size that together fill a place, with the key below them. */
function figures(place, each, key, options) {
  const cells = each.map(([title]) => h("section", { class: "card cell" }, title ? h("h3", {}, title) : null, h("div", { class: "room" })));
  const grid = h("div", { class: "small-multiples" }, cells);
  grid.style.gridTemplateColumns = `repeat(${columnsFor(each.length, place.clientWidth, place.clientHeight)}, minmax(0, 1fr))`;
  fill(place, h("div", { class: "filled" }, grid, key));
  const type = CHART_TYPE * parseFloat(getComputedStyle(document.body).fontSize);
  const height = Math.max(60, Math.min(...cells.map((cell) => cell.querySelector(".room").clientHeight)));
  each.forEach(([, result, points], i) => fill(cells[i].querySelector(".room"), riskFigure(speak, setup, result, points, { ...options, height, type, bare: true })));
}

function compared(place) {
  fitted(place, h("section", { class: "card" }, teamsTable(speak, setup, view.results, view.standing, true)));
}
