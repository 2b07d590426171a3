// The search of the site, loaded when a reader first asks for it. Pagefind finds, this shows.
import * as pagefind from "./pagefind/pagefind.js";

const PAGE = 8; // results shown at a time

export async function ready() {
  await pagefind.options({ excerptLength: 24 });
  await pagefind.init();
}

/** Show the pages that hold the words in `list`, and tell in `status` how many there are. */
export async function search(query, list, status, words) {
  if (!query.trim()) {
    list.replaceChildren();
    status.textContent = "";
    return;
  }
  status.textContent = words.looking;
  const found = await pagefind.debouncedSearch(query, {}, 150);
  if (!found) return; // the reader typed on
  list.replaceChildren();
  const count = found.results.length;
  status.textContent = count ? words.found.replaceAll("{}", count) : words.none;
  await show(found.results, list, words);
}

async function show(results, list, words) {
  const pages = await Promise.all(results.slice(0, PAGE).map((result) => result.data()));
  list.append(...pages.map(entry));
  const rest = results.slice(PAGE);
  if (!rest.length) return;
  const more = document.createElement("button");
  more.type = "button";
  more.textContent = words.more;
  const item = document.createElement("li");
  item.append(more);
  list.append(item);
  more.addEventListener("click", async () => {
    item.remove();
    const last = list.lastElementChild;
    await show(rest, list, words);
    last.nextElementSibling?.querySelector("a")?.focus();
  });
}

/** A page with the sections of it in which the words stand. */
function entry(page) {
  const item = document.createElement("li");
  item.append(link(page.url, page.meta.title, "page"));
  const ofPage = (section) => section.url === page.url || section.title === page.meta.title;
  const sections = page.sub_results.filter((section) => !ofPage(section));
  if (sections.length < page.sub_results.length || !sections.length) {
    item.append(excerpt(page.sub_results.find(ofPage)?.excerpt ?? page.excerpt));
  }
  for (const section of sections.slice(0, 3)) {
    item.append(link(section.url, section.title, "section"), excerpt(section.excerpt));
  }
  return item;
}

function link(url, text, kind) {
  const a = document.createElement("a");
  a.href = url;
  a.className = kind;
  a.textContent = text;
  return a;
}

/** Pagefind marks the words with <mark>; nothing else in an excerpt is markup. */
function excerpt(html) {
  const p = document.createElement("p");
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const node of parsed.body.childNodes) {
    const mark = node.nodeName === "MARK" && document.createElement("mark");
    if (mark) mark.textContent = node.textContent;
    p.append(mark || node.textContent);
  }
  return p;
}
