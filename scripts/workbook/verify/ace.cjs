// Ace over several books: `node ace.cjs NODE_MODULES BOOK…` prints Ace's reports as one list.
//
// Ace's own command checks one book with a browser of its own, and writes pages that say what
// was found; here one browser serves all books, and the reports are enough.
"use strict";

const [modules, ...books] = process.argv.slice(2);
const load = (name) => require(`${modules}/${name}`);
const winston = load("winston");
const runner = load("@daisy/ace-axe-runner-puppeteer");
const ace = load("@daisy/ace-core");

const lean = `${__dirname}/axe-lean.js`;
const isAxe = (script) => script.includes("axe-core-for-ace");
const shared = {
  ...runner,
  concurrency: 2, // pages at a time
  launch: async () => {},
  close: async () => {},
  run: (url, scripts, ...rest) =>
    runner.run(url, scripts.flatMap((s) => (isAxe(s) ? [s, lean] : [s])), ...rest),
};

async function main() {
  winston.configure({ silent: true, transports: [new winston.transports.Console()] });
  const print = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true; // Ace prints each report that has no folder
  const reports = [];
  await runner.launch();
  try {
    for (const book of books) {
      reports.push((await ace(book, { cwd: ".", doNotReportMedia: true }, shared))[1]);
    }
  } finally {
    await runner.close();
  }
  print(JSON.stringify(reports));
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : `Ace gave up: ${error}`);
  process.exitCode = 1;
});
