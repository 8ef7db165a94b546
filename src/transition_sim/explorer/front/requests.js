/* Requests to Python: one under way at a time. Of the steps of sliders that wait only the latest is kept. */

const SLOW = 400;
const SILENT = 20000;

/** Return what sends requests for a widget's model. `onState` hears "idle", "busy" (a while) or "silent" (no answer).

    `ask(message)` sends or keeps waiting; `answered()` is to be called at each change of what is shown, before it is
    drawn, so that Python computes the next step while the page draws this one; `pending()` tells whether more comes. */
export function requests(model, onState) {
  let number = 0;
  let underWay = 0;
  let waiting = [];
  let timers = [];

  function free() {
    underWay = 0;
    timers.forEach(clearTimeout);
    timers = [];
  }

  function send() {
    if (underWay || !waiting.length) return;
    number = Math.max(number, model.get("shown").answered) + 1;
    underWay = number;
    timers = [setTimeout(() => onState("busy"), SLOW), setTimeout(() => (free(), onState("silent")), SILENT)];
    model.send({ ...waiting.shift(), number });
  }

  return {
    ask(message) {
      const last = waiting[waiting.length - 1];
      if (message.do === "set" && last && last.do === "set")
        waiting[waiting.length - 1] = { ...message, values: { ...last.values, ...message.values } };
      else waiting.push(message);
      send();
    },
    answered() {
      if (!underWay || model.get("shown").answered < underWay) return;
      free();
      onState("idle");
      send();
    },
    pending: () => underWay > 0 || waiting.length > 0,
    stop() {
      free();
      waiting = [];
    },
  };
}
