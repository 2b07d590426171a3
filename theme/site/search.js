// The search of the site, loaded when a reader first asks for it. Pagefind finds, this shows.
import * as pagefind from "./pagefind/pagefind.js";

const PAGE = 8; // results shown at a time
const LONGEST = 6; // characters in a row that are cut in every way
const BEFORE = 40; // characters of an excerpt before what was found, and after it
const AFTER = 90;
const SECTIONS = 3; // of a page, shown with an excerpt

let latest = 0; // which search the reader waits for

export async function ready() {
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
  const pages = inOrder(all.map((page) => read(page, query.trim())).filter(Boolean), query);
  list.replaceChildren();
  status.textContent = pages.length ? words.found.replaceAll("{}", pages.length) : words.none;
  show(pages, list, words);
}

// What was found ----------------------------------------------------------------------------
// Pagefind tells which pages may hold the words. Where they stand in the text is looked up
// here, since its index knows loss.backward only in pieces, and cuts excerpts between them.

/** A page with its sections that hold the words and the places in each; null if none does. */
function read(page, query) {
  const text = page.content;
  const whole = places(text, query);
  const found = whole.length ? whole : inPieces(page, query);
  if (!found.length) return null;
  const sections = parted(page).map((section) => ({
    ...section,
    found: found.filter((place) => section.from <= place.from && place.from < section.to),
  }));
  return { page, text, whole: whole.length > 0, sections: sections.filter((s) => s.found.length) };
}

// Names of code and single words as they are: a name begins where no other one goes on.
function places(text, words) {
  const literal = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
  const start = /^[A-Za-z0-9_]/.test(words) ? "(?<![A-Za-z0-9_])" : "";
  return matches(text, new RegExp(start + literal, "gi"));
}

function matches(text, pattern) {
  return [...text.matchAll(pattern)].map((m) => ({ from: m.index, to: m.index + m[0].length }));
}

// Several words wherever each of them stands. An ending may differ (gradients, gradient), the
// beginning may not: where nothing fits, Pagefind shortens a word down to one letter.
function inPieces(page, query) {
  const found = [];
  for (const word of query.match(/\p{Script=Han}+|[^\p{Script=Han}\s]+/gu) ?? []) {
    const here = ofWord(page, word);
    if (!here.length) return [];
    found.push(...here);
  }
  return found.sort((a, b) => a.from - b.from);
}

function ofWord(page, word) {
  const text = page.content;
  const exact = places(text, word);
  if (exact.length) return exact;
  if (/^\p{Script=Han}/u.test(word)) {
    return [...word].every((sign) => text.includes(sign)) ? marked(page) : [];
  }
  if (/[^A-Za-z]/.test(word)) return []; // a name is all of it
  const stem = word.slice(0, Math.max(3, word.length - 3));
  return matches(text, new RegExp(`(?<![A-Za-z0-9_])${stem}[A-Za-z]*`, "gi"));
}

// Where Pagefind found its own words.
function marked(page) {
  const words = starts(page);
  return page.locations.map((at) => ({ from: words[at], to: words[at + 1] ?? page.content.length }));
}

// Where each word of the index begins in the text of a page.
function starts(page) {
  if (!page.raw_content.includes("\u200B")) return matches(page.content, /\S+/g).map((w) => w.from);
  let at = 0;
  return page.raw_content.split("\u200B").map((word) => {
    const from = at;
    at += word.replace(/&[lg]t;/g, "<").length;
    return from;
  });
}

/** The sections of a page: where each begins and ends in its text. */
function parted(page) {
  const words = starts(page);
  const headings = page.anchors.filter(({ element, text }) => /^h[2-6]$/.test(element) && text.trim())
    .sort((a, b) => a.location - b.location);
  const opening = { title: "", url: page.url, from: 0 };
  const all = [opening, ...headings.map(({ id, text, location }) => (
    { title: text, url: `${page.url}#${id}`, from: words[location] }))];
  return all.map((each, i) => ({ ...each, to: all[i + 1]?.from ?? Infinity }));
}

/** What is named after the words comes first, then what has a section of that name, then what
    has them as they were typed. Of a name of code, what has it not is left out. */
function inOrder(pages, query) {
  const words = query.trim().toLowerCase();
  const has = (text) => text.toLowerCase().includes(words);
  const rank = ({ page, whole, sections }) => {
    if (has(page.meta.title)) return 0;
    if (sections.some((section) => has(section.title))) return 1;
    return whole ? 2 : 3;
  };
  const name = /^\S*[._(]\S*$/.test(words) && pages.some((page) => page.whole);
  return pages.filter((page) => page.whole || !name).sort((a, b) => rank(a) - rank(b));
}

// The ways to ask -----------------------------------------------------------------------------

// The browser and the index cut Chinese into words in different ways: 张量 is one word here
// and two there. So every way to cut it is looked for, the longest words first; single
// characters, which begin many words, only where nothing else is found.
async function everyReading(query) {
  const found = new Map();
  for (const reading of [...readings(query), ...parts(query)]) {
    const alone = reading.split(" ").some((word) => /^\p{Script=Han}$/u.test(word));
    if (alone && found.size) break;
    const { results } = await pagefind.search(reading);
    for (const result of results) if (!found.has(result.id)) found.set(result.id, result);
  }
  return [...found.values()];
}

// The index cuts loss.backward as its language does: into one word, or several.
function parts(query) {
  const names = query.match(/[A-Za-z0-9]+/g) ?? [];
  return names.length > 1 || /[._]/.test(query) ? [names.join(" "), ...names.slice(-1)] : [];
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

// The list ------------------------------------------------------------------------------------

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
function entry({ page, text, sections }) {
  const item = document.createElement("li");
  item.append(link(page.url, page.meta.title, "page"));
  for (const section of sections.slice(0, SECTIONS)) {
    if (section.title) item.append(link(section.url, section.title, "section"));
    item.append(excerpt(text, section));
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

/** The text where most of what was found in a section stands, from a word on, all marked. */
function excerpt(text, { from, to, found }) {
  const near = (first) => found.filter((each) => first.from <= each.from && each.to < first.to + AFTER);
  const first = found.reduce((best, each) => (near(each).length > near(best).length ? each : best));
  const start = clauseAt(text, Math.max(from, first.from - BEFORE), first.from);
  const end = wordAt(text, Math.min(to, first.to + AFTER, text.length), text.length);
  const p = document.createElement("p");
  let at = start;
  for (const place of found.filter((place) => place.from >= at && place.to <= end)) {
    if (place.from < at) continue; // within the one before
    const mark = document.createElement("mark");
    mark.textContent = text.slice(place.from, place.to);
    p.append(text.slice(at, place.from), mark);
    at = place.to;
  }
  p.append(text.slice(at, end).trimEnd());
  return p;
}

// The first clause that begins from `at` on, or else the first word.
function clauseAt(text, at, last) {
  const clause = /[，。；：！？]|[,.;:!?]\s/.exec(text.slice(at, last));
  return wordAt(text, at && clause ? at + clause.index + clause[0].length : at, last);
}

// The first place from `at` on at which a word may begin: in no name or number, and at no sign
// that must not begin a line.
function wordAt(text, at, last) {
  const within = (i) => /[\w.]/.test(text[i - 1] ?? "") && /[\w.(\[]/.test(text[i] ?? "");
  const ends = (i) => /[\s\p{Pe}\p{Pf},.;:!?，。；：、！？%]/u.test(text[i] ?? "");
  while (at < last && (within(at) || ends(at))) at += 1;
  return at;
}
