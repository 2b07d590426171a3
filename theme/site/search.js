// The search of the site, loaded when a reader first asks for it. Pagefind finds, this shows.
import * as pagefind from "./pagefind/pagefind.js";

const PAGE = 8; // results shown at a time
const LONGEST = 6; // characters in a row that are cut in every way

let latest = 0; // which search the reader waits for

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
  const mine = ++latest;
  await new Promise((done) => setTimeout(done, 150));
  if (mine !== latest) return; // the reader typed on
  const found = await everyReading(query);
  if (mine !== latest) return; // before what was found is fetched, which is more
  const all = await Promise.all(found.map((result) => result.data()));
  if (mine !== latest) return;
  const pages = all.filter((page) => holds(page, query.toLowerCase()));
  list.replaceChildren();
  status.textContent = pages.length ? words.found.replaceAll("{}", pages.length) : words.none;
  show(inOrder(pages, query.trim().toLowerCase()), list, words);
}

// Where nothing fits, Pagefind shortens a word until something does, down to one letter. An
// ending may differ (gradients, gradient), the beginning may not.
function holds(page, query) {
  const text = `${page.meta.title} ${page.content}`.toLowerCase();
  const stem = (word) => word.slice(0, Math.max(3, word.length - 3));
  const words = query.match(/\p{Script=Han}|[^\p{Script=Han}\s]+/gu) ?? [];
  return words.every((word) => text.includes(stem(word)));
}

// The browser and the index cut Chinese into words in different ways: 张量 is one word here
// and two there. So every way to cut it is looked for, the longest words first; single
// characters, which begin many words, only where nothing else is found.
async function everyReading(query) {
  const found = new Map();
  for (const reading of readings(query)) {
    const alone = reading.split(" ").some((word) => /^\p{Script=Han}$/u.test(word));
    if (alone && found.size) break;
    const { results } = await pagefind.search(reading);
    for (const result of results) if (!found.has(result.id)) found.set(result.id, result);
  }
  return [...found.values()];
}

function readings(query) {
  let all = [""];
  for (const run of query.match(/\p{Script=Han}+|\P{Script=Han}+/gu) ?? []) {
    const ways = /^\p{Script=Han}/u.test(run) && run.length <= LONGEST ? cuts(run) : [run];
    all = all.flatMap((start) => ways.map((way) => `${start} ${way}`));
  }
  const words = (reading) => reading.split(" ").length;
  const single = (reading) => /(^| )\p{Script=Han}( |$)/u.test(reading);
  const tidy = all.slice(0, 64).map((reading) => reading.replace(/\s+/g, " ").trim());
  return tidy.sort((a, b) => single(a) - single(b) || words(a) - words(b));
}

/** Every way to cut a run of characters into words, such as 张量 and 张 量. */
function cuts(run) {
  if (run.length < 2) return [run];
  const rest = cuts(run.slice(1));
  return rest.flatMap((way) => [run[0] + way, `${run[0]} ${way}`]);
}

/** What is named after the words comes first, then what has a section of that name. */
function inOrder(pages, query) {
  const has = (text) => text.toLowerCase().includes(query);
  const rank = (page) => {
    if (has(page.meta.title)) return 0;
    return page.sub_results.some((section) => has(section.title)) ? 1 : 2;
  };
  return [...pages].sort((a, b) => rank(a) - rank(b));
}

function show(pages, list, words) {
  list.append(...pages.slice(0, PAGE).map(entry));
  const rest = pages.slice(PAGE);
  if (!rest.length) return;
  const more = document.createElement("button");
  more.type = "button";
  more.textContent = words.more;
  const item = document.createElement("li");
  item.append(more);
  list.append(item);
  more.addEventListener("click", () => {
    item.remove();
    const last = list.lastElementChild;
    show(rest, list, words);
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
