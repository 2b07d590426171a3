// Sets the kept appearance before anything is drawn; without one the system decides.
"use strict";

(() => {
  try {
    const kept = localStorage.getItem("workbook:theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch { /* the browser keeps nothing: the system decides */ }
})();
