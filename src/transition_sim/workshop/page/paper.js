/* What comes in on paper: a decision code or a sheet, what it would replace, and what it has put down. */

import { make as h } from "./elements.js";
import { boughtBy, boughtWords, budgets, codeRefusal, fill, letterOf, refusal, reply, roundWords } from "./kit.js";

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
      const early = command.type === "code" && answer.refused === "round_not_open";
      place.refuse((early ? codeRefusal : refusal)(speak, setup, answer.refused, answer.values));
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
    node: h("form", { class: "card", onsubmit: enter }, h("label", { for: "entry" }, h("b", {}, speak.say("enter_code"))), input, h("p", { class: "hint" }, speak.say("code_commits")), h("button", { type: "submit" }, speak.say("put_down")), place.node),
    reply: place,
    clear: () => (input.value = ""),
    focus: () => input.select(),
  };
}

/* The sheet begins with no team; once one is chosen it begins from what its team has put down; once it is touched it is left alone until it is put down. */
function sheetForm(setup, speak, send) {
  const { workshop } = setup;
  const { years, step, most } = workshop.sketch;
  const percents = Array.from({ length: most / step + 1 }, (_, i) => String(i * step));
  const place = reply("told-sheet");
  const fields = h("div", { class: "sheet-fields" });
  const purses = h("div", { class: "purses", role: "status" });
  const rest = h("div", { hidden: true });
  const teams = h("select", { id: "sheet-team", required: true, onchange: (event) => take(Number(event.target.value)) });
  const order = Object.keys(workshop.rounds);
  const none = { team: 0, choices: {}, points: [], touched: false };
  let view;
  let sheet = none;

  const own = (team) => {
    if (!team) return none;
    const levers = Object.entries(workshop.levers).filter(([, lever]) => lever.round === view.round_name);
    const plan = view.plans[team];
    return { team, choices: Object.fromEntries(levers.map(([name]) => [name, plan.choices[name]])), points: plan.points ? [...plan.points] : years.map(() => null), touched: false };
  };

  const select = (id, title, options, value, change) => h("div", { class: "field" }, h("label", { for: id }, title), h("select", { id, onchange: (event) => {
    sheet.touched = true;
    change(event.target.value);
    showPurses();
  } }, options.map(([key, text, off]) => h("option", { value: key, selected: key === value, disabled: Boolean(off) }, text))));

  function leverField(name) {
    const lever = workshop.levers[name];
    const plan = view.plans[sheet.team].choices;
    const bought = boughtBy(workshop, plan, name);
    const options = lever.choices.map((choice, i) => {
      const price = choice.price ? ` (${speak.number(choice.price)})` : "";
      return [String(i), `${letterOf(i)}  ${speak.of(choice.label)}${price}${i === lever.default ? " *" : ""}`, bought && i !== lever.default];
    });
    const title = speak.pair(speak.of(workshop.roles[lever.role].title), speak.of(lever.title));
    const field = select(`sheet-${name}`, title, options, String(sheet.choices[name]), (value) => (sheet.choices[name] = Number(value)));
    if (bought) field.append(h("p", { class: "hint" }, boughtWords(speak, workshop, plan, bought)));
    return field;
  }

  function showPurses() {
    const costs = budgets(workshop, { ...view.plans[sheet.team].choices, ...sheet.choices }, (round) => order.indexOf(round) > view.round);
    fill(purses, h("p", { class: "hint" }, speak.say("budgets")), Object.entries(costs).map(([role, { spent, later, size }]) => {
      const left = size - spent - later;
      const words = left < 0 ? speak.say("over", { over: speak.number(-left) }) : speak.say("left", { left: speak.number(left), size: speak.number(size) });
      return h("p", { class: left < 0 ? "purse over" : "purse" }, speak.pair(speak.of(workshop.roles[role].title), ""), h("b", {}, words));
    }));
  }

  function show() {
    teams.value = sheet.team || "";
    rest.hidden = !sheet.team;
    if (!sheet.team) return;
    showPurses();
    fill(fields,
      Object.keys(sheet.choices).map(leverField),
      years.map((year, i) => {
        const options = [["", "—"], ...percents.map((each) => [each, each])];
        const value = sheet.points[i] === null ? "" : String(sheet.points[i]);
        return select(`sheet-year-${year}`, speak.pair(speak.say("sketch"), speak.say("by_year", { year })), options, value, (given) => (sheet.points[i] = given === "" ? null : Number(given)));
      }));
  }

  function take(team) {
    place.clear();
    sheet = own(team);
    show();
  }

  function update(next) {
    view = next;
    if (!teams.children.length) fill(teams, h("option", { value: "" }, speak.say("choose_team")), view.teams.map((team) => h("option", { value: team.number }, speak.say("team_number", { team: team.number }))));
    if (sheet.touched) return;
    const fresh = own(sheet.team);
    if (JSON.stringify(fresh) === JSON.stringify(sheet)) return;
    sheet = fresh;
    show();
  }

  fill(rest, fields, purses, h("p", { class: "hint" }, speak.say("read_back")), h("button", { type: "submit" }, speak.say("put_down")));
  const enter = (event) => {
    event.preventDefault();
    place.clear();
    const { team, choices, points } = sheet;
    if (!team) place.refuse(speak.say("choose_team"));
    else if (points.includes(null)) place.refuse(speak.say("sheet_sketch"));
    else send({ type: "sheet", team, round: view.round_name, choices, points });
  };
  return {
    node: h("details", { class: "card" }, h("summary", {}, speak.say("enter_sheet")), h("form", { onsubmit: enter },
      h("div", { class: "field" }, h("label", { for: "sheet-team" }, speak.say("team")), teams),
      rest, place.node)),
    reply: place,
    update,
    clear: () => {
      sheet = none;
      show();
    },
  };
}
