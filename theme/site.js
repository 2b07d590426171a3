// The site works without this script; it adds a copy button and lets keys scroll wide code.
"use strict";

(() => {
  const words = document.body.dataset;

  async function copy(button, code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = words.copied;
    } catch {
      button.textContent = words.failed;
    }
    setTimeout(() => { button.textContent = words.copy; }, 2000);
  }

  for (const block of document.querySelectorAll("div.sourceCode")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => copy(button, block.querySelector("code")));
    block.append(button);
  }

  function letKeysScroll() {
    for (const box of document.querySelectorAll("pre, .table-float, .equation, p:has(> math)")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  letKeysScroll();
  addEventListener("resize", letKeysScroll);

  // The drawer of contents on a phone closes with Escape, as its link does.
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && location.hash === "#contents") location.hash = "#main";
  });
})();
