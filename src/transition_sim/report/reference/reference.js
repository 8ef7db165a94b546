(() => {
  "use strict";
  const box = document.getElementById("find");
  const count = document.getElementById("count");
  const cards = [...document.querySelectorAll("[data-find]")];
  const parts = [...document.querySelectorAll("[data-part]")];
  const others = [...document.querySelectorAll("[data-other]")];
  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const texts = new Map(cards.map((card) => [
    card, plain(`${card.querySelector("h4").textContent} ${card.querySelector(".says").textContent}`)]));
  let told = 0;

  function filter() {
    const words = plain(box.value).split(/\s+/).filter(Boolean);
    const finding = words.length > 0;
    let shown = 0;
    for (const card of cards) {
      const hit = words.every((word) => texts.get(card).includes(word));
      card.hidden = !hit;
      shown += hit ? 1 : 0;
    }
    for (const part of parts) part.hidden = finding && !part.querySelector("[data-find]:not([hidden])");
    for (const other of others) other.hidden = finding;
    clearTimeout(told);
    told = setTimeout(() => {
      count.textContent = finding ? `${shown} of ${cards.length} variables` : "";
    }, 150);
  }

  function clear() {
    box.value = "";
    filter();
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) {
      clear();
      target.scrollIntoView();
    }
  }

  box.addEventListener("input", filter);
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const words = plain(box.value).split(/\s+/).filter(Boolean);
    const shown = cards.filter((card) => !card.hidden);
    const named = shown.filter((card) => {
      const name = plain(card.querySelector("h4").textContent);
      return words.every((word) => name.includes(word));
    });
    const first = named[0] || shown[0];
    if (words.length && first) first.querySelector("a.self").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.activeElement === box) clear();
    const typing = document.activeElement && document.activeElement.matches("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      box.focus();
    }
  });
  // A name in an equation leads to its card, for the mouse; for all others the same names are links below it.
  document.addEventListener("click", (event) => {
    const name = event.target.closest && event.target.closest("mi[data-to]");
    if (name) location.hash = name.dataset.to;
    const link = event.target.closest && event.target.closest('a[href^="#"]');
    const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (target && target.closest("[hidden]")) clear();
  });
  addEventListener("hashchange", reveal);

  const contents = document.querySelector(".contents");
  const wide = matchMedia("(min-width: 64rem)");
  const fold = () => { contents.open = wide.matches; };
  fold();
  wide.addEventListener("change", fold);
  contents.addEventListener("click", (event) => {
    if (!wide.matches && event.target.closest("a")) contents.open = false;
  });

  // A box that need not be scrolled is no stop for the keyboard.
  const boxes = [...document.querySelectorAll(".equation[tabindex], .scroll")];
  const stops = () => {
    const over = boxes.map((one) => one.scrollWidth > one.clientWidth + 1);
    boxes.forEach((one, i) => (over[i] ? one.setAttribute("tabindex", "0") : one.removeAttribute("tabindex")));
  };
  stops();
  for (const button of document.querySelectorAll(".larger")) {
    const figure = button.closest("figure");
    const image = figure.querySelector("img");
    const fits = () => { button.hidden = Number(image.getAttribute("width")) <= figure.clientWidth; };
    fits();
    addEventListener("resize", fits);
    button.addEventListener("click", () => {
      const full = figure.classList.toggle("full");
      button.setAttribute("aria-pressed", String(full));
      stops();
    });
  }
  let wait = 0;
  addEventListener("resize", () => {
    clearTimeout(wait);
    wait = setTimeout(stops, 200);
  });

  const marks = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of marks.values()) link.removeAttribute("aria-current");
      const link = marks.get(entry.target.id);
      if (link) link.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "0px 0px -80% 0px" });
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);
})();
