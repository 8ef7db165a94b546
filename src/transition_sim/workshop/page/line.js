/* The line to the server: a stream that reconnects, and commands that are sent until they are answered.

   A command carries a mark of its own, so that sending it twice changes nothing. While there is no connection commands
   wait in order, on this device; a page that is loaded again goes on with them. */

/* The server says something at least every fifteen seconds; after this long in silence the line is down. */
const SILENCE = 40_000;
const PAUSES = [500, 1000, 2000, 4000, 8000];

/** Return a new mark for a command. */
export function newMark() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Open the line of a token. `onView(view)`, `onLine(true or false)`, `onLeft()`, `onAnswer(command, answer)`. */
export function openLine(token, { onView, onLine, onLeft, onAnswer }) {
  const store = `waiting.${token.slice(-12)}`;
  let waiting = JSON.parse(sessionStorage.getItem(store) ?? "[]");
  let sending = false;
  let source = null;
  let tries = 0;
  let closed = false;

  const keep = () => sessionStorage.setItem(store, JSON.stringify(waiting));

  let watch = null;
  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(() => onLine(false), SILENCE);
    onLine(true);
  };
  addEventListener("offline", () => !closed && onLine(false));
  addEventListener("online", () => {
    if (source?.readyState === EventSource.OPEN && !closed) onLine(true);
    pump();
  });

  function connect() {
    source = new EventSource(`/api/events?token=${encodeURIComponent(token)}`);
    source.addEventListener("state", (event) => {
      heard();
      onView(JSON.parse(event.data));
      pump();
    });
    source.addEventListener("left", () => {
      close();
      onLeft();
    });
    source.addEventListener("beat", heard);
    source.onopen = heard;
    source.onerror = () => {
      onLine(false);
      if (source.readyState === EventSource.CLOSED && !closed) later(connectAgain);
    };
  }

  async function connectAgain() {
    if (closed) return;
    try {
      const answer = await fetch("/api/state", { headers: { authorization: `Bearer ${token}` } });
      if (answer.status === 401) {
        close();
        onLeft();
        return;
      }
      tries = 0;
      connect();
    } catch {
      later(connectAgain);
    }
  }

  function later(what) {
    setTimeout(what, PAUSES[Math.min(tries++, PAUSES.length - 1)]);
  }

  async function pump() {
    if (sending || closed) return;
    sending = true;
    while (waiting.length && !closed) {
      const command = waiting[0];
      let answer;
      try {
        const response = await fetch("/api/do", {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify(command),
        });
        if (response.status === 429 || response.status >= 500) throw new Error("busy");
        answer = await response.json();
      } catch {
        onLine(false);
        sending = false;
        later(pump);
        return;
      }
      tries = 0;
      waiting.shift();
      keep();
      onAnswer(command, answer);
    }
    sending = false;
  }

  function close() {
    closed = true;
    clearTimeout(watch);
    source?.close();
  }

  connect();
  return {
    close,
    waiting: () => waiting.length,
    send(command) {
      waiting.push({ ...command, id: newMark() });
      keep();
      pump();
    },
  };
}
