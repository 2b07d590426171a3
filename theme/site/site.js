// The site works without this script. It adds: copy buttons, a search box, the appearance, the
// section in view, answers that are kept, hints one by one, the same section elsewhere.
"use strict";

(() => {
  const words = JSON.parse(document.body.dataset.words);
  const $ = (selector) => document.querySelector(selector);
  const $$ = (selector) => [...document.querySelectorAll(selector)];
  const bar = $(".bar");

  function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  const button = (text, className, onclick) =>
    make("button", { type: "button", className, textContent: text, onclick });

  const store = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) {
      try {
        if (value) localStorage.setItem(key, value);
        else localStorage.removeItem(key);
        return true;
      } catch { return false; }
    },
  };

  // Copy ----------------------------------------------------------------------------
  for (const block of $$("div.sourceCode")) {
    const copy = button(words.copy, "copy", async () => {
      try {
        await navigator.clipboard.writeText(block.querySelector("code").textContent);
        copy.textContent = words.copied;
      } catch {
        copy.textContent = words.failed;
      }
      setTimeout(() => { copy.textContent = words.copy; }, 2000);
    });
    copy.setAttribute("aria-live", "polite");
    block.append(copy);
  }

  // Appearance: the system's, light, dark --------------------------------------------
  const THEMES = ["system", "light", "dark"];
  const SIGNS = { system: "◐", light: "☀︎", dark: "☾" };
  const root = document.documentElement;
  const theme = () => root.dataset.theme ?? "system";
  const appearance = button("", "theme", () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    store.set("workbook:theme", next === "system" ? "" : next);
    showTheme();
  });

  function showTheme() {
    const label = `${words.theme}: ${words[theme()]}`;
    appearance.textContent = SIGNS[theme()];
    appearance.title = label;
    appearance.setAttribute("aria-label", label);
  }

  // Search -----------------------------------------------------------------------------
  let box;
  const looking = button("", "look", openSearch);
  looking.append(make("span", { textContent: words.search }), make("kbd", { textContent: "/" }));
  looking.setAttribute("aria-label", words.search);

  function searchBox() {
    const input = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    input.setAttribute("aria-label", words.query);
    input.placeholder = words.query;
    const status = make("p", { className: "status", role: "status" });
    const list = make("ol", { className: "found" });
    const close = button(words.shut, "shut", () => dialog.close());
    const head = make("div", { className: "head" }, input, close);
    const dialog = make("dialog", { className: "search" }, head, status, list);
    dialog.setAttribute("aria-label", words.search);
    // A search field keeps the first Escape to empty itself; here it closes the box.
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") dialog.close();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("a")) dialog.close();
    });
    document.body.append(dialog);
    if (location.protocol === "file:") {
      input.disabled = true;
      status.textContent = words.offline;
    } else {
      const module = import("./search.js").then(async (m) => { await m.ready(); return m; });
      input.addEventListener("input", async () => {
        try {
          (await module).search(input.value, list, status, words);
        } catch {
          status.textContent = words.broken;
        }
      });
    }
    return dialog;
  }

  function openSearch() {
    box ??= searchBox();
    if (!box.open) box.showModal();
    box.querySelector("input:enabled")?.select();
  }

  bar.append(looking, appearance);
  showTheme();

  // Keys ---------------------------------------------------------------------------------
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawerIsOpen()) location.hash = "#main";
    const slash = event.key === "/" && !typing(event.target);
    const k = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if ((slash && !event.ctrlKey && !event.metaKey && !event.altKey) || k) {
      event.preventDefault();
      openSearch();
    }
  });

  // What is wider than the page is scrolled by keys, too, once they can come to it. An
  // observer looks after the page is laid out; to measure before would lay it out twice.
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of $$("pre, .table-float, .equation, p:has(> math)")) boxes.observe(box);

  // The drawer of contents on a phone ------------------------------------------------------
  const drawer = $("#contents");
  const opener = $(".bar .open");
  const drawerIsOpen = () => location.hash === "#contents";
  let wasOpen = false;

  function onHash() {
    if (drawerIsOpen()) drawer.querySelector("a").focus();
    else if (wasOpen && location.hash === "#main") opener.focus();
    wasOpen = drawerIsOpen();
    revealTarget();
  }

  // The veil beside the drawer belongs to it: a click there closes it.
  drawer.addEventListener("click", (event) => {
    if (drawerIsOpen() && event.clientX > drawer.getBoundingClientRect().right) {
      location.hash = "#main";
    }
  });

  // Older browsers do not open a fold around the place that a link leads to.
  function revealTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target?.closest("details:not([open])");
    if (!fold) return;
    fold.open = true;
    target.scrollIntoView();
  }

  addEventListener("hashchange", onHash);
  revealTarget();

  // The section in view --------------------------------------------------------------------
  const places = $$("main :is(h2, h3)[id], main section[id], main div.equation[id], "
    + "main figure[id], main .table-float[id], main .cell[id]");
  const marks = new Map($$(".here a, .contents ol ol a").map((a) => [a, a.hash.slice(1)]));

  // The last of some elements that begins above the upper third of the window.
  function inView(elements) {
    const line = innerHeight / 3;
    return elements.filter((e) => e.getBoundingClientRect().top <= line).at(-1);
  }

  const headings = $$("main h2[id]");

  function mark() {
    const current = inView(headings)?.id;
    for (const [a, id] of marks) {
      if (decodeURIComponent(id) === current) a.setAttribute("aria-current", "true");
      else a.removeAttribute("aria-current");
    }
  }

  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });

  // Where the reader was led to, as long as it is in view.
  function asked() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const box = target?.closest("main *")?.getBoundingClientRect();
    return box && box.bottom > 0 && box.top < innerHeight ? target : null;
  }

  // The same place in the other language: ids are the same in every edition ------------------
  for (const a of $$(".languages a")) {
    a.addEventListener("click", () => {
      const place = asked()?.id ?? (scrollY > 200 && inView(places)?.id);
      a.hash = place ? `#${place}` : "";
    });
  }

  // Answers are kept in this browser, under an id that is the same in every language --------
  const key = (area) => `workbook:${area.id}`;
  const areas = $$("textarea.answer[id]");
  for (const area of areas) {
    area.value = store.get(key(area)) ?? "";
    let tools;
    const state = make("span", { role: "status" });
    const clear = button(words.clear, "", () => {
      if (clear.textContent !== words.sure) {
        clear.textContent = words.sure;
        return;
      }
      area.value = "";
      keep();
      area.focus();
    });
    clear.addEventListener("blur", () => { clear.textContent = words.clear; });

    const keep = () => {
      const kept = store.set(key(area), area.value);
      state.textContent = area.value ? (kept ? words.saved : words.unsaved) : "";
      clear.textContent = words.clear;
      showTools();
    };

    const showTools = () => {
      if (!tools) {
        tools = make("div", { className: "answer-tools" }, state, clear);
        area.after(tools);
      }
      tools.hidden = !area.value;
    };

    if (area.value) {
      showTools();
      state.textContent = words.saved;
    }
    area.addEventListener("input", keep);
  }

  function exportAnswers() {
    const said = areas.filter((area) => area.value).map((area) => {
      const box = area.closest(".exercise, .callout");
      const title = box?.querySelector("h3, .callout-title")?.textContent.trim() ?? "";
      return `## ${title} (${area.id})\n\n${area.value}\n`;
    });
    const text = `# ${document.title}\n\n${said.join("\n")}`;
    const url = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
    const name = location.pathname.split("/").pop().replace(/\.html$/, "") || "answers";
    make("a", { href: url, download: `${name}-answers.md` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  if (areas.length) {
    $(".turn")?.before(make("p", { className: "export" },
      button(words.export, "", exportAnswers)));
  }

  // Hints come one by one, as in the terminal. What a search in the page finds opens by itself.
  const hidden = (step) => step.hidden;
  for (const body of $$(".exercise details.callout-tip > .callout-body")) {
    const steps = [...body.children].slice(1);
    for (const step of steps) step.hidden = "until-found";
    const next = make("p", { className: "next-hint" }, button(words.hint, "", () => {
      const step = steps.find(hidden);
      if (step) step.hidden = false;
      if (!steps.some(hidden)) next.remove();
    }));
    body.setAttribute("aria-live", "polite");
    if (steps.length) body.append(next);
  }

  // Progress, and answers found on paper: nobody needs them to read.
  addEventListener("load", () => document.head.append(make("script", { src: "practice.js" })));

  // On paper every fold is open.
  addEventListener("beforeprint", () => {
    for (const fold of $$("details:not([open])")) {
      fold.open = true;
      fold.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const fold of $$("details[data-printed]")) {
      fold.open = false;
      delete fold.dataset.printed;
    }
  });
})();
