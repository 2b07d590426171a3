// What is asked on paper is checked on the page, and progress is kept in this browser. Nobody needs
// this to read, so `site.js` loads it when the page stands. The values come from a file of each
// chapter's own, which `workbook.practice.paper` computes; what is typed is read as
// `workbook.practice.answer_values` reads it, and compared as `by_hand` does.
"use strict";

window.workbook = (() => {
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  function make(name, properties, ...children) {
    const { aria = {}, ...rest } = properties;
    const element = Object.assign(document.createElement(name), rest);
    for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
    element.append(...children);
    return element;
  }

  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);

  // Values ------------------------------------------------------------------------------
  // An integer is a BigInt, so that 1/3 and 2.0 stay what they are in Python.
  class Unreadable extends Error {}

  const SIGNS = {
    "、": ",", "。": ".", "“": "\"", "”": "\"", "‘": "'", "’": "'", "【": "[", "】": "]",
    "−": "-", "–": "-", "×": "*", "÷": "/", "⁄": "/",
  };
  const KEYWORDS = new Set(("and as assert async await break class continue def del elif else "
    + "except finally for from global if import in is lambda nonlocal not or pass raise return "
    + "try while with yield None").split(" "));
  const TOKEN = /(?<number>(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?))|(?<text>[rRuU]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))|(?<name>[\p{XID_Start}_]\p{XID_Continue}*)|(?<sign>\*\*|[-+*/()[\]{},:])/uy;
  const ESCAPES = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };

  /** Full-width digits, brackets and signs as Python writes them. */
  function tidy(text) {
    const raised = text.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (digits) => `**${digits}`);
    return raised.normalize("NFKC").replace(/[、。“”‘’【】−–×÷⁄]/g, (sign) => SIGNS[sign]).trim();
  }

  /** The value of a text: a literal, a fraction, a power, or a bare word as a string. */
  function value(text) {
    const tokens = cut(tidy(text).replaceAll("^", "**"));
    let at = 0;
    const peek = () => tokens[at]?.[1];
    const take = (sign) => {
      const found = tokens[at]?.[0] === "sign" && peek() === sign;
      if (found) at += 1;
      return found;
    };
    const need = (found) => { if (!found) throw new Unreadable(text); };

    function several(end) {
      const first = sum();
      if (peek() !== ",") return first;
      const items = [first];
      while (take(",")) if (at < tokens.length && peek() !== end) items.push(sum());
      return items;
    }

    // Neither + nor - between two numbers, as on the command line.
    function sum() {
      let left = signed();
      for (;;) {
        if (take("*")) left = times(left, signed());
        else if (take("/")) left = divided(left, signed());
        else return left;
      }
    }

    function signed() {
      if (take("-")) return negative(number(signed()));
      if (take("+")) return number(signed());
      const base = atom();
      return take("**") ? power(base, signed()) : base;
    }

    function atom() {
      if (take("(")) {
        if (take(")")) return [];
        const inside = several(")");
        need(take(")"));
        return inside;
      }
      if (take("[")) {
        if (take("]")) return [];
        const items = [sum()];
        while (take(",")) if (peek() !== "]") items.push(sum());
        need(take("]"));
        return items;
      }
      const [kind, token] = tokens[at++] ?? [];
      if (kind === "number") return literal(token);
      if (kind === "text") {
        let whole = unquoted(token);
        while (tokens[at]?.[0] === "text") whole += unquoted(tokens[at++][1]);
        return whole;
      }
      need(kind === "name" && !KEYWORDS.has(token));
      return token === "True" ? true : token === "False" ? false : token;
    }

    function number(x) {
      need(typeof x === "bigint" || typeof x === "number");
      return x;
    }

    const plain = (x) => { // a number that Python would not refuse to take for a float
      const near = Number(number(x));
      need(typeof x === "number" || Number.isFinite(near));
      return near;
    };

    function times(left, right) {
      if (typeof number(left) === "bigint" && typeof number(right) === "bigint") return left * right;
      return plain(left) * plain(right);
    }

    function divided(left, right) {
      const [above, below] = [plain(left), plain(right)];
      need(below !== 0);
      return above / below;
    }

    function power(left, right) {
      const [base, exponent] = [Number(number(left)), Number(number(right))];
      need(Math.abs(exponent) <= 400 && Math.abs(base) <= 1e9);
      if (typeof left === "bigint" && typeof right === "bigint" && right >= 0n) return left ** right;
      need(base !== 0 || exponent >= 0);
      const result = base ** exponent;
      need(!Number.isNaN(result) && (Number.isFinite(result) || !Number.isFinite(base)));
      return result;
    }

    const found = several();
    need(tokens.length && at === tokens.length);
    return found;
  }

  const negative = (x) => -x;

  /** The text in tokens, each with its kind. */
  function cut(text) {
    const tokens = [];
    for (let at = 0; at < text.length;) {
      if (/[ \t\f]/.test(text[at])) { at += 1; continue; }
      if (text[at] === "#") break;
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(text);
      if (!match) throw new Unreadable(text);
      const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
      at = TOKEN.lastIndex;
      if (kind === "number" && /[\p{XID_Continue}.]/u.test(text[at] ?? "")) throw new Unreadable(text);
      if (kind === "name" && /["']/.test(text[at] ?? "")) throw new Unreadable(text);
      tokens.push([kind, match[0]]);
    }
    return tokens;
  }

  function literal(token) {
    const digits = token.replaceAll("_", "");
    if (/^0[xXbBoO]/.test(digits)) return BigInt(digits);
    if (/[.eE]/.test(digits)) return Number(digits);
    if (/^0+[1-9]/.test(digits)) throw new Unreadable(token);
    return BigInt(digits);
  }

  function unquoted(token) {
    const inside = token.replace(/^[rRuU]?./, "").slice(0, -1);
    if (/^[rR]/.test(token)) return inside;
    return inside.replace(/\\(x[0-9a-f]{2}|u[0-9a-f]{4}|.)/gi, (all, code) =>
      code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16))
        : ESCAPES[code] ?? (/[\\'"]/.test(code) ? code : all));
  }

  // Verdicts ------------------------------------------------------------------------------
  const isNumber = (x) => ["bigint", "number", "boolean"].includes(typeof x);

  /** The slip behind a value, "" if it is right, null where only Python can tell. */
  function judge(part, given) {
    const value = part.flat && Array.isArray(given) ? given.flat(Infinity) : given;
    const slip = missed(part, part.right, value, { leaf: 0 });
    if (slip === "") return "";
    const named = part.wrong.find(([, other]) => same(given, other));
    if (named) return named[0];
    return slip;
  }

  /** The slip that the first thing that does not fit stands for. */
  function missed(part, right, value, count) {
    if ("word" in right) return part.letters ? spelled(part, value) : value === right.word ? "" : part.else;
    if ("items" in right) {
      if (!Array.isArray(value)) return isNumber(value) ? part.bare : part.else;
      if (value.length !== right.items.length) return part.short;
      const slips = right.items.map((item, at) => missed(part, item, value[at], count));
      return slips.find((slip) => slip) ?? (slips.includes(null) ? null : "");
    }
    const at = count.leaf++;
    if (!isNumber(value)) return part.else;
    return right.from <= Number(value) && Number(value) <= right.to ? ""
      : part.open ? null : part.leaves[at];
  }

  /** A word in which letters may stand in any order: the first that is missing or too many. */
  function spelled(part, value) {
    if (typeof value !== "string") return part.else;
    const folded = part.fold ? value.toLowerCase() : value;
    const there = new Set(part.spaced ? folded.replace(/[, ，、]/g, "") : folded);
    const wanted = new Set(part.right.word);
    if ([...there].some((letter) => !(letter in part.letters))) return part.else;
    const off = Object.keys(part.letters).find((letter) => there.has(letter) !== wanted.has(letter));
    return off ? part.letters[off] : "";
  }

  /** Whether a value is another one, as it was written by the build, up to rounding. */
  function same(value, other) {
    if (Array.isArray(value) || Array.isArray(other)) {
      return Array.isArray(value) && Array.isArray(other) && value.length === other.length
        && value.every((item, at) => same(item, other[at]));
    }
    const float = typeof other === "object";
    const wanted = float ? other.f : other;
    if (typeof wanted !== "number") return value === wanted;
    if (float || typeof value === "number") {
      if (typeof value !== "number" && typeof value !== "bigint") return false;
      const [a, b] = [Number(value), wanted];
      return a === b || Math.abs(a - b) <= Math.max(0.02 * Math.max(Math.abs(a), Math.abs(b)), 0.006);
    }
    return typeof value === "bigint" && value === BigInt(wanted);
  }

  // progress.yml ------------------------------------------------------------------------------
  const STATES = ["pass", "fail", "error", "todo"];

  class Damaged extends Error {
    constructor(line) { super(`line ${line}`); this.line = line; }
  }

  /** The records in a progress.yml, by exercise; Damaged with its line where that cannot be read. */
  function read(text) {
    const root = {};
    const open = [{ indent: -1, map: root }];
    text.replace(/^\uFEFF/, "").split(/\r\n?|\n/).forEach((raw, index) => {
      const bad = () => { throw new Damaged(index + 1); };
      const match = /^( *)(?:'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)"|([^\s'"#:{}[\]&*!|>%@`,-][^:#]*?))\s*:(?:\s+(.*))?$/.exec(raw);
      if (/^\s*(#.*|---\s*)?$/.test(raw)) return;
      if (!match) bad();
      const indent = match[1].length;
      while (indent <= open.at(-1).indent) open.pop();
      const { map, child = indent } = open.at(-1);
      if (!map || indent !== child) bad();
      open.at(-1).child = indent;
      const name = match[2]?.replaceAll("''", "'") ?? match[3] ?? match[4];
      if (Object.hasOwn(map, name)) bad();
      const scalar = unwritten((match[5] ?? "").trim(), bad);
      map[name] = scalar ?? {};
      open.push({ indent, map: scalar === null ? map[name] : null });
      const field = open.length === 3;
      if (open.length > 4 || (open.length === 2 && typeof map[name] !== "object")) bad();
      if (field && name === "state" && !STATES.includes(scalar)) bad();
      if (field && name === "hints" && !/^\d+$/.test(scalar)) bad();
      if (field && name === "answers" && typeof map[name] !== "object") bad();
      if (open.length === 4 && open[2].map !== open[1].map[Object.keys(open[1].map).at(-1)]) bad();
    });
    return root;
  }

  /** A scalar as it is meant, null for a mapping that follows. */
  function unwritten(text, bad) {
    if (/^(#.*|\{\s*\}(\s+#.*)?)?$/.test(text)) return null;
    const quoted = /^'((?:[^']|'')*)'(?:\s+#.*)?$/.exec(text);
    if (quoted) return quoted[1].replaceAll("''", "'");
    if (text.startsWith("\"")) {
      const double = /^("(?:[^"\\]|\\.)*")(?:\s+#.*)?$/.exec(text);
      try { return JSON.parse(double[1]); } catch { return bad(); }
    }
    if (/^[&*!|>%@`{}[\],'?-]( |$)|^[&*!|>%@`{[']|: /.test(text)) bad();
    return text.replace(/\s+#.*$/, "");
  }

  /** The records as a progress.yml that `workbook progress` reads. */
  function write(records, header) {
    const lines = header.map((line) => `# ${line}`);
    for (const [name, record] of Object.entries(records)) {
      const fields = Object.entries(record).filter(([, of]) => typeof of !== "object" || Object.keys(of).length);
      if (!fields.length) continue;
      lines.push(`${quoted(name)}:`);
      for (const [field, of] of fields) {
        if (typeof of === "object") {
          lines.push(`  ${quoted(field)}:`);
          for (const [key, text] of Object.entries(of)) lines.push(`    ${quoted(key)}: ${quoted(text)}`);
        } else lines.push(`  ${quoted(field)}: ${field === "hints" ? of : quoted(of)}`);
      }
    }
    return `${lines.join("\n")}\n`;
  }

  /** A string that YAML reads as one. */
  function quoted(text) {
    const plain = /^[A-Za-z][\w-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
    if (plain || /^\d{4}-\d\d-\d\d \d\d:\d\d$/.test(text)) return text;
    if (/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(text)) return JSON.stringify(text);
    return `'${text.replaceAll("'", "''")}'`;
  }

  /** Two progresses as one: of each exercise the state that is newer, and all answers and hints. */
  function merged(here, there) {
    const all = { ...here };
    for (const [name, record] of Object.entries(there)) {
      const known = here[name] ?? {};
      const [older, newer] = (record.since ?? "") < (known.since ?? "") ? [record, known] : [known, record];
      const hints = Math.max(older.hints ?? 0, newer.hints ?? 0);
      const answers = { ...older.answers, ...newer.answers };
      all[name] = { ...older, ...newer, ...(hints ? { hints } : {}) };
      if (Object.keys(answers).length) all[name].answers = answers;
    }
    return all;
  }

  // What is kept -----------------------------------------------------------------------------
  const KEPT = "workbook:progress";
  let words, book;

  function progress() {
    try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; }
  }

  function keep(records) {
    try {
      localStorage.setItem(KEPT, JSON.stringify(records));
      return true;
    } catch { return false; } finally { tell(records); }
  }

  /** What was answered, and how the exercise stands now. */
  function note(name, state, answers) {
    const records = progress();
    const record = records[name] ?? {};
    if (record.state !== state) {
      const now = new Date();
      const two = (n) => String(n).padStart(2, "0");
      record.since = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())} `
        + `${two(now.getHours())}:${two(now.getMinutes())}`;
    }
    const { since } = record;
    records[name] = { ...record, state, since };
    if (Object.keys(answers).length) records[name].answers = answers;
    else delete records[name].answers;
    return keep(records);
  }

  // The contents: how far each chapter is ----------------------------------------------------
  function tell(records = progress()) {
    for (const [slug, names] of Object.entries(book.chapters)) {
      const done = names.filter((name) => records[name]?.state === "pass").length;
      for (const a of $$(`#contents a[href="${slug}.html"]`)) {
        let tally = a.querySelector(".tally");
        if (!tally) a.append(tally = make("span", { className: "tally" }));
        tally.replaceChildren(
          make("span", { textContent: `${done}/${names.length}`, aria: { hidden: "true" } }),
          make("span", { className: "spoken", textContent: filled(words.tally, { done, total: names.length }) }),
        );
        tally.classList.toggle("whole", done === names.length);
      }
    }
  }

  function tools() {
    const status = make("p", { role: "status" });
    const file = make("input", { type: "file", accept: ".yml,.yaml", hidden: true });
    const save = make("button", { type: "button", textContent: words.save });
    const load = make("button", { type: "button", textContent: words.load });
    save.addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([write(progress(), book.header)], { type: "text/yaml" }));
      make("a", { href: url, download: "progress.yml" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
    load.addEventListener("click", () => file.click());
    file.addEventListener("change", async () => {
      try {
        const records = read(new TextDecoder("utf-8", { fatal: true }).decode(await file.files[0].arrayBuffer()));
        for (const record of Object.values(records)) if (record.hints) record.hints = Number(record.hints);
        const kept = keep(merged(progress(), records));
        status.textContent = kept ? filled(words.loaded, { count: Object.keys(records).length }) : words.unsaved;
        for (const show of forms) show();
      } catch (error) {
        status.textContent = filled(words.damaged, { line: error.line ?? 1 });
      }
      file.value = "";
    });
    const title = make("p", { className: "part", textContent: words.progress });
    document.querySelector("#contents").append(
      make("div", { className: "progress-tools" }, title, save, load, file, status));
  }

  // The fields -------------------------------------------------------------------------------
  const forms = []; // how each shows what is kept

  function form(name, sheet) {
    const exercise = document.getElementById(`exr-${name}`);
    if (!exercise) return;
    const title = exercise.querySelector("h3")?.textContent.trim() ?? name;
    const status = make("p", { className: "status", role: "status" });
    const check = make("button", { type: "submit", textContent: words.check });
    const rows = sheet.parts.map((part) => row(name, part));
    const box = make("form", { className: "paper", noValidate: true, aria: { label: `${words.label}: ${title}` } },
      ...rows.map((each) => each.element), make("div", { className: "ask" }, check, status));
    exercise.append(box);

    box.addEventListener("submit", (event) => {
      event.preventDefault();
      const found = rows.map((each) => each.judge(sheet));
      if (found.every((slip) => slip === undefined)) {
        rows[0].input.focus();
        return;
      }
      const right = found.every((slip) => slip === "");
      const wrong = found.some((slip) => slip);
      const answers = {};
      rows.forEach(({ key, input }, at) => { if (found[at] === "") answers[key || "value"] = tidy(input.value); });
      const state = right ? "pass" : wrong ? "fail" : "todo";
      const kept = note(name, state, answers);
      const left = rows.filter((each, at) => found[at] === undefined).map((each) => each.key);
      status.textContent = !kept ? words.unsaved : right ? words.all
        : left.length ? filled(words.left, { names: left.join(words.comma) }) : "";
    });

    const show = () => {
      const answers = progress()[name]?.answers ?? {};
      for (const each of rows) each.show(answers[each.key || "value"], sheet);
    };
    forms.push(show);
    show();
  }

  /** The field of one part of an answer, and what is said of it. */
  function row(name, part) {
    const id = `paper-${name}${part.key ? `-${part.key}` : ""}`;
    const input = make("input", { id, type: "text", autocomplete: "off", spellcheck: false,
      autocapitalize: "off", aria: { describedby: `${id}-verdict` } });
    const label = make("label", { htmlFor: id });
    label.append(part.key ? make("code", { textContent: part.key }) : words.value);
    const verdict = make("div", { id: `${id}-verdict`, className: "verdict", role: "status" });

    function say(mark, kind, ...lines) {
      verdict.className = `verdict ${kind}`;
      verdict.replaceChildren(...(mark ? [make("b", { textContent: mark })] : []), ...lines);
      if (kind === "wrong") input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }

    function judged(sheet) {
      if (!input.value.trim()) {
        say("", "");
        return undefined;
      }
      let given;
      try {
        given = sheet.word ? tidy(input.value).replace(/^["']+|["']+$/g, "") : value(input.value);
      } catch {
        say("", "unread", make("span", { textContent: filled(words.unreadable, { text: input.value.trim() }) }));
        return null;
      }
      const slip = judge(part, given);
      if (slip === "") say(`✓ ${words.right}`, "right");
      else if (slip === null) say("", "unread", make("span", { textContent: filled(words.undecided, { name }) }));
      else {
        const lines = sheet.slips[slip].map(([lang, text]) => make("span", { lang, textContent: text }));
        say(`✗ ${words.wrong}`, "wrong", ...lines);
      }
      return slip;
    }

    input.addEventListener("input", () => say("", ""));
    return {
      key: part.key, input, judge: judged,
      element: make("div", { className: "row" }, label, input, verdict),
      show(text, sheet) {
        if (text === undefined || input.value) return;
        input.value = text;
        judged(sheet);
      },
    };
  }

  /** What a chapter's own file holds: told in base64, so that nobody reads it by accident. */
  function sheets(packed) {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const all = JSON.parse(new TextDecoder().decode(bytes));
    for (const [name, sheet] of Object.entries(all)) form(name, sheet);
  }

  /** What the site's own file ends with: its words, and the exercises of each chapter. */
  function begin(about) {
    book = about;
    words = about.words;
    document.head.append(make("link", { rel: "stylesheet", href: "practice.css" }));
    tell();
    tools();
    const slug = location.pathname.split("/").pop().replace(/\.html$/, "");
    if (book.paper.includes(slug)) document.head.append(make("script", { src: `practice/${slug}.js` }));
    addEventListener("storage", (event) => { if (event.key === KEPT) tell(); });
  }

  return { begin, sheets, tidy, value, judge, read, write, merged };
})();
