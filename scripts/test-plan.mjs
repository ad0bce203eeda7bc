// In which processes the tests run, and in which order. Runs on any Node from 20 on.
import { readdirSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Processes that the tests of `src/` share: a process of its own costs each file about a second, to load what all of them load. */
const SHARED_PROCESSES = 16;

/** Each in a process of its own and before those that are not named here, the longest first, so that none is still running when all others are done. */
const LONGEST = [
  'test/integration/login-browser.test.ts',
  'test/integration/redis-groups.test.ts',
  'test/integration/refresh-storm.test.ts',
  'src/state/records/redis/cluster.test.ts',
  'src/state/records/redis/sentinel.test.ts',
  'test/integration/plans.test.ts',
  'test/integration/connections.test.ts',
  'src/state/redis/topologies.test.ts',
  'src/control/admin/v1/docs-page.test.ts',
];

/** In a process of its own each, because of what they look at. */
const ALONE = [
  // Which sockets and timers a process has.
  'src/upstream/control/real-targets.test.ts',
];

/**
 * The files to give to the runner. It starts them in the order of their paths, so what is to be first or together is written to `directory`, as
 * modules that import the tests.
 */
export function planTests(root, directory) {
  const files = ['src', 'test'].flatMap((folder) => testFiles(root, folder));
  for (const file of [...LONGEST, ...ALONE])
    if (!files.includes(file)) throw new Error(`scripts/test-plan.mjs names ${file}, which is not there`);
  const shared = files.filter((file) => file.startsWith('src/') && ![...LONGEST, ...ALONE].includes(file));
  const inOneProcess = addressOf(join(root, 'test', 'support', 'one-process.ts'));
  const modules = [
    // First, since they leave all sources compiled to those that start the program, and often end it before it could.
    ...shares(shared, SHARED_PROCESSES).map((share) => [
      `${share[0]} to ${share.at(-1)}`,
      `import { runInOneProcess } from ${inOneProcess};\nrunInOneProcess(${JSON.stringify(root)}, ${JSON.stringify(share)});\n`,
    ]),
    ...LONGEST.map((file) => [file, `import ${addressOf(join(root, file))};\n`]),
  ];
  const written = modules.map(([title, text], i) => {
    const name = `${String(i).padStart(2, '0')} ${title.replaceAll('/', '-').replaceAll('.test.ts', '')}.mjs`;
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  });
  return [...written, ...files.filter((file) => !shared.includes(file) && !LONGEST.includes(file))];
}

function addressOf(path) {
  return JSON.stringify(pathToFileURL(path).href);
}

function testFiles(root, folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .sort();
}

/** Neighbours stay together: they load the same modules. */
function shares(files, count) {
  return Array.from({ length: count }, (_, i) =>
    files.slice(Math.floor((i * files.length) / count), Math.floor(((i + 1) * files.length) / count)),
  );
}
