/* What comes in on paper: a decision code or a sheet, what it would replace, and what it has put down. */

import { make as h } from "./elements.js";
import { fill, refusal, reply, roundWords } from "./kit.js";

const letters = (i) => String.fromCharCode(65 + i);

/** Return the two forms for the open round, `nodes`; `update(view)`, and `answered(command, answer)` for what they sent. */
export function paperForms(setup, speak, send) {
  const code = codeForm(speak, send);
  const sheet = sheetForm(setup, speak, send);
  const before = {};

  function answered(command, answer) {
    const form = command.type === "code" ? code : sheet;
    const { reply: place } = form;
    if (answer.ok) {
      form.clear();
      const told = speak.say("put_told", { team: answer.put.team, what: roundWords(speak, setup, answer.put) });
      place.done(command.replace && before[command.type] ? `${told} ${speak.say("in_place_of", { what: before[command.type] })}` : told);
      return;
    }
    if (answer.refused !== "would_replace") {
      place.refuse(refusal(speak, setup, answer.refused, answer.values));
      form.focus?.();
      return;
    }
    const { team, committed, put } = answer.values;
    before[command.type] = roundWords(speak, setup, answer.values.before);
    const words = { team, before: before[command.type], after: roundWords(speak, setup, put) };
    place.ask(speak.say(committed ? "replaces_committed" : "replaces_put_down", words), [
      [speak.say("keep_it"), () => place.clear()],
      [speak.say("replace_it", { team }), () => send({ ...command, id: undefined, replace: true })],
    ]);
  }

  return { nodes: [code.node, sheet.node], update: sheet.update, answered };
}

function codeForm(speak, send) {
  const input = h("input", { id: "entry", autocomplete: "off", spellcheck: "false", maxlength: 40, dir: "ltr", "aria-describedby": "told-code" });
  const place = reply("told-code");
  const enter = (event) => {
    event.preventDefault();
    place.clear();
    if (input.value.trim()) send({ type: "code", code: input.value });
  };
  return {
    node: h("form", { class: "card", onsubmit: enter }, h("label", { for: "entry" }, h("b", {}, speak.say("enter_code"))), input, h("button", { type: "submit" }, speak.say("put_down")), place.node),
    reply: place,
    clear: () => (input.value = ""),
    focus: () => input.select(),
  };
}

/* The sheet begins from what its team has put down; once it is touched it is left alone until it is put down. */
function sheetForm(setup, speak, send) {
  const { workshop } = setup;
  const { years, step, most } = workshop.sketch;
  const percents = Array.from({ length: most / step + 1 }, (_, i) => String(i * step));
  const place = reply("told-sheet");
  const fields = h("div", {});
  const teams = h("select", { id: "sheet-team", onchange: (event) => take(Number(event.target.value)) });
  let view;
  let sheet = { team: 1, choices: {}, points: [], touched: false };

  const own = (team) => {
    const levers = Object.entries(workshop.levers).filter(([, lever]) => lever.round === view.round_name);
    const plan = view.plans[team];
    return { team, choices: Object.fromEntries(levers.map(([name]) => [name, plan.choices[name]])), points: plan.points ? [...plan.points] : years.map(() => null), touched: false };
  };

  const select = (id, title, options, value, change) => h("div", { class: "field" }, h("label", { for: id }, title), h("select", { id, onchange: (event) => {
    sheet.touched = true;
    change(event.target.value);
  } }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));

  function show() {
    fill(fields,
      Object.keys(sheet.choices).map((name) => {
        const lever = workshop.levers[name];
        const options = lever.choices.map((choice, i) => [String(i), `${letters(i)}  ${speak.of(choice.label)}`]);
        return select(`sheet-${name}`, speak.of(lever.title), options, String(sheet.choices[name]), (value) => (sheet.choices[name] = Number(value)));
      }),
      years.map((year, i) => {
        const options = [["", "—"], ...percents.map((each) => [each, each])];
        const value = sheet.points[i] === null ? "" : String(sheet.points[i]);
        return select(`sheet-year-${year}`, speak.say("by_year", { year }), options, value, (given) => (sheet.points[i] = given === "" ? null : Number(given)));
      }));
  }

  function take(team) {
    place.clear();
    sheet = own(team);
    show();
  }

  function update(next) {
    view = next;
    if (!teams.children.length) fill(teams, view.teams.map((team) => h("option", { value: team.number }, speak.say("team_number", { team: team.number }))));
    if (sheet.touched) return;
    const fresh = own(sheet.team);
    if (JSON.stringify(fresh) === JSON.stringify(sheet)) return;
    sheet = fresh;
    show();
  }

  const enter = (event) => {
    event.preventDefault();
    place.clear();
    const { team, choices, points } = sheet;
    if (points.includes(null)) place.refuse(speak.say("sheet_sketch"));
    else send({ type: "sheet", team, round: view.round_name, choices, points });
  };
  return {
    node: h("details", { class: "card" }, h("summary", {}, speak.say("enter_sheet")), h("form", { onsubmit: enter },
      h("div", { class: "field" }, h("label", { for: "sheet-team" }, speak.say("team")), teams), fields,
      h("p", { class: "hint" }, speak.say("read_back")), h("button", { type: "submit" }, speak.say("put_down")), place.node)),
    reply: place,
    update,
    clear: () => {
      sheet.touched = false;
      update(view);
    },
  };
}
