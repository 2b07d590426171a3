// Points out the edition in the browser's language, and lets that language come first. It leads
// nowhere by itself.
"use strict";

(() => {
  const hints = [...document.querySelectorAll("[data-prefers]")];
  const editions = hints.map((hint) => hint.dataset.prefers);
  const wanted = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]);
  const first = wanted.find((lang) => editions.includes(lang));
  const hint = hints.find((each) => each.dataset.prefers === first);
  if (!hint) return;
  for (const both of document.querySelectorAll(".both")) {
    const own = [...both.children].find((each) => each.lang === hint.lang);
    if (own) both.prepend(own);
  }
  hint.hidden = false;
  document.getElementById(first)?.classList.add("preferred");
})();
