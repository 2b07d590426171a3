// Follows the preview: loads the page again when it has changed, keeps the place, and tells
// what is wrong. The preview's server puts it into pages; no finished book has it.
"use strict";

(() => {
  const { page, edition, stamp } = document.currentScript.dataset;
  const KEPT = "workbook:preview";

  function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  // The place: the last element with an id above the middle of the window, and how far. -----
  function place() {
    const above = [...document.querySelectorAll("main [id]")]
      .filter((e) => e.getClientRects().length && e.getBoundingClientRect().top <= innerHeight / 2);
    const anchor = above.at(-1);
    return { page, scroll: scrollY, id: anchor?.id, offset: anchor?.getBoundingClientRect().top };
  }

  function restore({ id, offset, scroll }) {
    const anchor = id && document.getElementById(id);
    const by = anchor ? anchor.getBoundingClientRect().top - offset : scroll - scrollY;
    scrollBy({ top: by, behavior: "instant" });
  }

  function reload() {
    history.scrollRestoration = "manual";  // the browser would go where it was in pixels
    sessionStorage.setItem(KEPT, JSON.stringify(place()));
    location.reload();
  }

  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (kept?.page === page) {
    restore(kept);
    addEventListener("load", () => {
      restore(kept);
      setTimeout(() => { history.scrollRestoration = "auto"; });
    });
  }

  // The bar ---------------------------------------------------------------------------------
  const problems = make("ol", {});
  const busy = make("span", {});
  const note = make("span", { className: "note" });
  const books = ["pdf", "epub"].map((format) => {
    const href = `/-/make?${new URLSearchParams({ edition, format })}`;
    return make("a", { href, textContent: format.toUpperCase(), onclick: take });
  });
  const status = make("p", {}, make("span", { textContent: "preview" }), ...books, busy, note);
  status.setAttribute("role", "status");
  const bar = make("aside", { className: "preview-bar", lang: "en" }, problems, status);
  bar.setAttribute("aria-label", "preview");
  document.body.append(bar);

  async function take(event) {
    event.preventDefault();
    const answer = await fetch(event.currentTarget.href);
    if (answer.ok) {
      make("a", { href: answer.url, download: answer.url.split("/").pop() }).click();
    } else {
      problems.append(shown({ where: "preview", what: await answer.text() }));
    }
  }

  function shown({ where, what, remedy = "", detail = "" }) {
    const item = make("li", {}, make("b", { textContent: where }), what);
    if (remedy) item.append(make("br"), remedy);
    if (detail) {
      const more = make("details", {}, make("summary", { textContent: "more" }));
      more.append(make("pre", { textContent: detail }));
      item.append(more);
    }
    return item;
  }

  // What is told --------------------------------------------------------------------------------
  const events = new EventSource("/-/events");
  events.addEventListener("message", ({ data }) => {
    const state = JSON.parse(data);
    if ((state.stamps[page] ?? state.begun) !== Number(stamp)) {
      events.close();
      reload();
      return;
    }
    problems.replaceChildren(...state.problems.map(shown));
    note.textContent = state.notes[edition] ?? "";
    busy.textContent = state.busy;
  });
  events.addEventListener("error", () => { busy.textContent = "the preview has ended"; });
})();
