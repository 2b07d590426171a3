// Ace over several books: `node ace.cjs NODE_MODULES BOOK…` prints Ace's reports as one list.
//
// Ace's own command checks one book, opens a tab for each page of it, and writes pages that
// say what was found. Here one browser with a few tabs serves all books: a third of the time.
"use strict";

const { readFileSync } = require("node:fs");

const [modules, ...books] = process.argv.slice(2);
const load = (name) => require(`${modules}/${name}`);
const winston = load("winston");
const puppeteer = load("puppeteer"); // both come with Ace
const ace = load("@daisy/ace-core");

const TABS = 2;
const PATIENCE = 300_000; // milliseconds, for a busy machine
const AXE = /(axe-core-for-ace\/axe)\.js$/;
const kept = new Map();

/** The text of a file that goes into every page. */
function text(path) {
  if (!kept.has(path)) kept.set(path, readFileSync(path, "utf8"));
  return kept.get(path);
}

/** What runs Ace's scripts in a page; Ace asks for one run for each page of a book. */
function runner(browser) {
  const free = [];
  return {
    concurrency: TABS,
    launch: async () => {},
    close: async () => {},
    async run(address, scripts) {
      const tab = free.pop() ?? (await browser.newPage());
      await tab.goto(address, { timeout: PATIENCE });
      for (const path of scripts) {
        await tab.evaluate(text(path.replace(AXE, "$1.min.js")));
        if (AXE.test(path)) await tab.evaluate(text(`${__dirname}/axe-lean.js`));
      }
      const found = await tab.evaluate(() => new Promise((resolve, reject) => {
        window.daisy.ace.run((error, result) => (error ? reject(error) : resolve(result)));
      }));
      free.push(tab);
      return found;
    },
  };
}

async function main() {
  winston.configure({ silent: true, transports: [new winston.transports.Console()] });
  const print = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true; // Ace prints each report that it need not write
  const browser = await puppeteer.launch({
    args: ["--no-sandbox", "--disable-gpu"],
    timeout: PATIENCE,
    protocolTimeout: PATIENCE,
  });
  const shared = runner(browser);
  const reports = [];
  try {
    for (const book of books) {
      const [, report] = await ace(book, { cwd: ".", doNotReportMedia: true }, shared);
      reports.push(report);
    }
  } finally {
    await browser.close();
  }
  print(JSON.stringify(reports));
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : `Ace gave up: ${error}`);
  process.exitCode = 1;
});
